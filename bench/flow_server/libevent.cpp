// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libevent.
#include "support/flow.hpp"
#include "support/libevent_server.hpp"

namespace {

bench::work_queue<bufferevent*> work;

void on_read(bufferevent* connection, void*) {
  bench::flow_request request;
  bufferevent_read(connection, &request, sizeof request);
  bufferevent_disable(connection, EV_READ);
  work.put(connection, request);
}

void on_drained(bufferevent* connection, void*) { bufferevent_enable(connection, EV_READ); }

void on_end(bufferevent* connection, short what, void* data) {
  work.forget(connection);
  bench::free_at_end(connection, what, data);
}

void on_accept(evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void*) {
  bench::narrow(fd);
  bufferevent* connection = bench::new_connection(listener, fd, on_read, on_drained);
  bufferevent_setcb(connection, on_read, on_drained, on_end, nullptr);
}

void on_work(evutil_socket_t, short, void*) {
  work.work([](bufferevent* connection, std::string_view bytes) {
    evbuffer_add_reference(bufferevent_get_output(connection), bytes.data(), bytes.size(), nullptr,
                           nullptr);
  });
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_server(argc, argv, on_accept, [](event_base* base) {
    event_add(event_new(base, work.descriptor(), EV_READ | EV_PERSIST, on_work, nullptr), nullptr);
  });
}

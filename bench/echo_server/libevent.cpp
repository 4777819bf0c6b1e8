// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libevent: bufferevents, as its book writes an echo server.
#include "support/libevent_server.hpp"

namespace {

void on_read(bufferevent* connection, void*) {
  evbuffer_add_buffer(bufferevent_get_output(connection), bufferevent_get_input(connection));
}

void on_accept(evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void*) {
  bench::new_connection(listener, fd, on_read, nullptr);
}

}  // namespace

int main(int argc, char** argv) { return bench::run_server(argc, argv, on_accept); }

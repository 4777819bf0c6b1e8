// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libevent: bufferevents, whose output leaves together.
#include "support/libevent_server.hpp"

namespace {

void on_read(bufferevent* connection, void*) {
  evbuffer* output = bufferevent_get_output(connection);
  std::size_t length;
  while (char* line = evbuffer_readln(bufferevent_get_input(connection), &length,
                                      EVBUFFER_EOL_CRLF_STRICT)) {
    evbuffer_add(output, line, length);
    evbuffer_add(output, "\r\n", 2);
    std::free(line);
  }
}

void on_accept(evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void*) {
  bench::send_at_once(fd);
  bench::new_connection(listener, fd, on_read, nullptr);
}

}  // namespace

int main(int argc, char** argv) { return bench::run_server(argc, argv, on_accept); }

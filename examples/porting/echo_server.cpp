// SPDX-License-Identifier: BSL-1.0
// An echo server: echo_server HOST:PORT
#include <asyncore.hpp>

#include <iostream>

struct echo_handler : asyncore::dispatcher_with_send<echo_handler> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data) { send(data); }
};

struct echo_server : asyncore::dispatcher<echo_server> {
  explicit echo_server(const asyncore::endpoint& where) {
    create_socket(where.family());
    set_reuse_addr();
    bind(where);
    listen(5);
    std::cout << "listening on " << local_addr().to_string() << std::endl;
  }
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    loop().emplace<echo_handler>(std::move(peer));
  }
};

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "An echo server: echo_server HOST:PORT\n", 1;
  echo_server server(asyncore::endpoint::parse(argv[1]));
  asyncore::loop();
}

// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct server : asyncore::dispatcher<server> {
  using dispatcher::dispatcher;
  void handle_data(std::span<const std::byte>) {}
  void handle_write() {}
  void handle_expt() {}
  void handle_close() { close(); }
  void handle_error() { close(); }
  void handle_connect() {}
  void handle_closed(const asyncore::close_info&) {}
  void handle_accepted(asyncore::socket, asyncore::endpoint) {}
};

struct reader : asyncore::file_dispatcher<reader> {
  using file_dispatcher::file_dispatcher;
  void handle_read() {}
  void handle_close(std::error_code) { close(); }
};

struct acceptor : asyncore::dispatcher<acceptor> {
  using dispatcher::dispatcher;
  void handle_accept() { accept(); }
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<server>();
  loop.emplace<reader>(0);
  loop.emplace<acceptor>();
  loop.run();
}

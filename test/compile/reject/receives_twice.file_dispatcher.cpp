// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: a channel receives by handle_data or by handle_read: define one
#include <asyncore.hpp>

struct reader : asyncore::file_dispatcher<reader> {
  using file_dispatcher::file_dispatcher;
  void handle_data(std::span<const std::byte>) {}
  void handle_read() {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<reader>(0);
  loop.run();
}

// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's hook handle_read cannot be called by the loop: make it public and give it the signature void handle_read\(\)
#include <asyncore.hpp>

struct reader : asyncore::file_dispatcher<reader> {
  using file_dispatcher::file_dispatcher;
  void handle_read(std::span<std::byte>) {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<reader>(0);
  loop.run();
}

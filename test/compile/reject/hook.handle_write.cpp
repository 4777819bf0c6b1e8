// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's hook handle_write cannot be called by the loop: make it public and give it the signature void handle_write\(\)
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;
  void handle_write(std::size_t) {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

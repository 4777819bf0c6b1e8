// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's predicate readable cannot be asked by the loop: make it public, and either .bool readable\(\). or .static constexpr bool readable.
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;
  void handle_data(std::span<const std::byte>) {}
  void handle_write() {}
  static inline bool readable = true;
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

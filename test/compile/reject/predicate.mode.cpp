// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: write .static constexpr auto predicates = asyncore::ask_on_rearm;.
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;
  static constexpr bool predicates = true;
  bool readable() { return true; }
  void handle_data(std::span<const std::byte>) {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

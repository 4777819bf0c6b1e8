// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct asked : asyncore::dispatcher<asked> {
  using dispatcher::dispatcher;
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return true; }
  bool writable() { return false; }
  void handle_data(std::span<const std::byte>) {}
  void handle_write() {}
};

struct constant : asyncore::dispatcher<constant> {
  using dispatcher::dispatcher;
  static constexpr bool readable = true;
  static constexpr bool writable = false;
  void handle_data(std::span<const std::byte>) {}
  void handle_write() {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<asked>();
  loop.emplace<constant>();
  loop.run();
}

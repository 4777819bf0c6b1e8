// SPDX-License-Identifier: BSL-1.0
// Constants of a class: known to the compiler, or members that may change.
#include <asyncore.hpp>

struct listener : asyncore::dispatcher<listener> {
  using dispatcher::dispatcher;
  void handle_accepted(asyncore::socket, asyncore::endpoint) {}
  static constexpr int accept_batch = 1;
};

struct sender : asyncore::dispatcher_with_send<sender> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte>) {}
  std::size_t send_budget = 0;
};

struct chat : asyncore::async_chat<chat> {
  using async_chat::async_chat;
  void collect_incoming_data(std::span<const std::byte>) {}
  void found_terminator() {}
  static constexpr std::size_t ac_in_buffer_size = 1;
  static inline std::size_t ac_out_buffer_size = 0;
};

int main() {
  asyncore::default_loop& loop = asyncore::this_thread_loop();
  loop.emplace<listener>();
  loop.emplace<sender>();
  loop.emplace<chat>();
}

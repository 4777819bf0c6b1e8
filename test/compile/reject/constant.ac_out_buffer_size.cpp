// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: ac_out_buffer_size is at least 1
#include <asyncore.hpp>

struct channel : asyncore::async_chat<channel> {
  using async_chat::async_chat;
  void collect_incoming_data(std::span<const std::byte>) {}
  void found_terminator() {}
  static constexpr std::size_t ac_out_buffer_size = 0;
};

int main() { asyncore::this_thread_loop().emplace<channel>(); }

// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: send_budget is at least 1
#include <asyncore.hpp>

struct channel : asyncore::dispatcher_with_send<channel> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte>) {}
  static constexpr std::size_t send_budget = 0;
};

int main() { asyncore::this_thread_loop().emplace<channel>(); }

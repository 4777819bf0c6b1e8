// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: limits, buffer sizes, watermarks, accept_batch and send_budget are integers
#pragma GCC diagnostic ignored "-Wsign-compare"  // which would tell, too
#include <asyncore.hpp>

struct channel : asyncore::dispatcher_with_send<channel> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data) { send(data); }
  static constexpr int out_queue_limit = -1;
};

int main() { asyncore::this_thread_loop().emplace<channel>(); }

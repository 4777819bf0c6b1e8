// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: low_watermark is at most high_watermark
#include <asyncore.hpp>

struct channel : asyncore::dispatcher_with_send<channel> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data) { send(data); }
  void handle_high_water() {}
  void handle_low_water() {}
  static constexpr std::size_t high_watermark = 1000;  // below the usual low one
};

int main() { asyncore::this_thread_loop().emplace<channel>(); }

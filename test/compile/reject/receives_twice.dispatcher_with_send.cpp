// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: a channel receives by handle_data or by handle_read: define one
#include <asyncore.hpp>

struct client : asyncore::dispatcher_with_send<client> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte>) {}
  void handle_read() {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

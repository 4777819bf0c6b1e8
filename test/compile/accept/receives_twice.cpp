// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;
  void handle_data(std::span<const std::byte>) {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

// SPDX-License-Identifier: BSL-1.0
// expect: ignoring return value of
#pragma GCC diagnostic error "-Wunused-result"
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;
  void handle_read() {
    [[maybe_unused]] std::byte buffer[16];
    recv(buffer);
  }
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

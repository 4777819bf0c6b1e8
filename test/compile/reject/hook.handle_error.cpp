// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's hook handle_error cannot be called by the loop: make it public and give it the signature void handle_error\(\)
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;
  void handle_error(std::error_code) { close(); }
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's hook handle_close cannot be called by the loop: make it public and give it the signature void handle_close\(\) or void handle_close\(std::error_code\)
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;

 private:
  void handle_close() { close(); }
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

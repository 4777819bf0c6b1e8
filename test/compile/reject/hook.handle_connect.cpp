// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's hook handle_connect cannot be called by the loop: make it public and give it the signature void handle_connect\(\)
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;
  void handle_connect(asyncore::endpoint) {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

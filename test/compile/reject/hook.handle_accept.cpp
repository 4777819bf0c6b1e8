// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's hook handle_accept cannot be called by the loop: make it public and give it the signature void handle_accept\(\)
#include <asyncore.hpp>

struct server : asyncore::dispatcher<server> {
  using dispatcher::dispatcher;
  void handle_accept(asyncore::socket) {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<server>();
  loop.run();
}

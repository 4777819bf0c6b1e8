// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's hook handle_accepted cannot be called by the loop: make it public and give it the signature void handle_accepted\(asyncore::socket, asyncore::endpoint\)
#include <asyncore.hpp>

struct server : asyncore::dispatcher<server> {
  using dispatcher::dispatcher;
  void handle_accepted(asyncore::socket&, asyncore::endpoint) {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<server>();
  loop.run();
}

// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's hook handle_closed cannot be called by the loop: make it public and give it the signature void handle_closed\(const asyncore::close_info&\)
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;
  void handle_closed() {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

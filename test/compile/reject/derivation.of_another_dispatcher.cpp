// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: pass the class itself as the first template argument of its base
#include <asyncore.hpp>

struct server : asyncore::dispatcher<server> {
  using dispatcher::dispatcher;
};

struct client : asyncore::dispatcher<server> {
  using dispatcher::dispatcher;
  void handle_read() {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

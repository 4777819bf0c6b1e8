// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: pass the class itself as the first template argument of its base
#include <asyncore.hpp>

struct server : asyncore::channel<server, asyncore::default_loop> {
  using channel::channel;
};

struct client : asyncore::channel<server, asyncore::default_loop> {
  using channel::channel;
  void handle_read() {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>(0);
  loop.run();
}

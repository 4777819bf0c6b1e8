// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: pass the class itself as the first template argument of its base
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;
  void handle_read() {}
};

struct special_client : client {
  using client::client;
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<special_client>();
  loop.run();
}

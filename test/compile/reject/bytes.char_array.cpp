// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: an array of char may hold bytes behind a NUL, or no NUL at all
#include <asyncore.hpp>

struct client : asyncore::dispatcher_with_send<client> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_connect() {
    char block[16] = {1, 0, 2};
    send(block);
  }
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

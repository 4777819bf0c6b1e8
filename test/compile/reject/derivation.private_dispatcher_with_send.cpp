// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: derive publicly from the channel kind
#include <asyncore.hpp>

class client : asyncore::dispatcher_with_send<client> {
 public:
  using dispatcher_with_send::dispatcher_with_send;
  void handle_read() {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

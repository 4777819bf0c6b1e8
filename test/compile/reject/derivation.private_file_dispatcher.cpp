// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: derive publicly from the channel kind
#include <asyncore.hpp>

class client : asyncore::file_dispatcher<client> {
 public:
  using file_dispatcher::file_dispatcher;
  void handle_read() {}
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>(0);
  loop.run();
}

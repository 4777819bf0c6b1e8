// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client>, asyncore::deadline<client> {
  using dispatcher::dispatcher;
  void handle_timeout() { close(); }
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>().set_deadline(std::chrono::seconds(1));
  loop.run();
}

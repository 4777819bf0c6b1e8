// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: a channel with a deadline defines `void handle_timeout\(\)`
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client>, asyncore::deadline<client> {
  using dispatcher::dispatcher;
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>().set_deadline(std::chrono::seconds(1));
  loop.run();
}

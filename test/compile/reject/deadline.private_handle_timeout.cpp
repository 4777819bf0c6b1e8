// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's hook handle_timeout cannot be called by the loop: make it public and give it the signature void handle_timeout\(\)
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client>, asyncore::deadline<client> {
  using dispatcher::dispatcher;

 private:
  void handle_timeout() { close(); }
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>().set_deadline(std::chrono::seconds(1));
  loop.run();
}

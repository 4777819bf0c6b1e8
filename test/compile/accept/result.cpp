// SPDX-License-Identifier: BSL-1.0
#pragma GCC diagnostic error "-Wunused-result"
#include <asyncore.hpp>

struct client : asyncore::dispatcher<client> {
  using dispatcher::dispatcher;
  void handle_read() {
    std::byte buffer[16];
    const auto got = recv(buffer);
    if (!got) return;
    if (send(std::span(buffer).first(got.bytes())).bytes() < got.bytes()) close();
  }
};

// What the socket does not take is kept.
struct sender : asyncore::dispatcher_with_send<sender> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_connect() { send("x"); }
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.emplace<sender>();
  loop.run();
}

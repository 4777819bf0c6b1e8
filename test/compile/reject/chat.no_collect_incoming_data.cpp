// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: async_chat needs a public `void collect_incoming_data\(std::span<const std::byte>\)`
#include <asyncore.hpp>

#include <string>

struct talker : asyncore::async_chat<talker> {
  using async_chat::async_chat;
  void found_terminator() { push(line); }
  std::string line;
};

int main() {
  asyncore::this_thread_loop().emplace<talker>().set_terminator("\n");
  asyncore::loop();
}

// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: async_chat needs a public `void found_terminator\(\)`
#include <asyncore.hpp>

#include <string>

struct talker : asyncore::async_chat<talker> {
  using async_chat::async_chat;
  void collect_incoming_data(std::span<const std::byte> data) { line += asyncore::as_text(data); }
  void found_terminator(char) { push(line); }
  std::string line;
};

int main() {
  asyncore::this_thread_loop().emplace<talker>().set_terminator("\n");
  asyncore::loop();
}

// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

#include <array>
#include <string>
#include <vector>

struct client : asyncore::dispatcher_with_send<client> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_connect() {
    char block[16] = {1, 0, 2};
    send(std::span(block));
    send(std::span(block).first(3));
    send(std::string_view(block));
    send(asyncore::bytes_view(block, 3));
    send("literal");
    const char* const text = "text";
    send(text);
    char* const writable = block;
    send(writable);
    send(std::string("string"));
    send(std::vector<unsigned char>(3));
    send(std::array<std::byte, 3>{});
  }
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.run();
}

// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: handle_data needs a kind that reads, such as file_dispatcher or dispatcher
#include <asyncore.hpp>

struct reader : asyncore::channel<reader, asyncore::default_loop> {
  using channel::channel;
  void handle_data(std::span<const std::byte>) {}
};

int main() {
  asyncore::this_thread_loop().emplace<reader>(0);
  asyncore::loop();
}

// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct reader : asyncore::file_dispatcher<reader> {
  using file_dispatcher::file_dispatcher;
  void handle_data(std::span<const std::byte>) {}
};

int main() {
  asyncore::this_thread_loop().emplace<reader>(0);
  asyncore::loop();
}

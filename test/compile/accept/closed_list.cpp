// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct reader;
struct writer;
using loop_type = asyncore::basic_loop<asyncore::poll_poller, asyncore::fd_table<reader, writer>>;

struct reader : asyncore::dispatcher<reader, loop_type> {
  using dispatcher::dispatcher;
  void handle_data(std::span<const std::byte>) {}
};
struct writer : asyncore::dispatcher<writer, loop_type> {
  using dispatcher::dispatcher;
  void handle_write() { close(); }
};

int main() {
  loop_type loop;
  loop.emplace<reader>();
  loop.emplace<writer>();
  loop.run();
}

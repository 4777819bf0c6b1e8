// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: this channel type is not in the closed list of the loop.s map: add it to the list
#include <asyncore.hpp>

struct reader;
struct writer;
using loop_type = asyncore::basic_loop<asyncore::poll_poller, asyncore::fd_table<reader>>;

struct reader : asyncore::dispatcher<reader, loop_type> {
  using dispatcher::dispatcher;
  void handle_data(std::span<const std::byte>) {}
};
struct writer : asyncore::dispatcher<writer, loop_type> {
  using dispatcher::dispatcher;
  void handle_write() { (void)send("x"); }
};

int main() {
  loop_type loop;
  loop.emplace<reader>();
  loop.emplace<writer>();
  loop.run();
}

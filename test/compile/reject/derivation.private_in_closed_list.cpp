// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: derive publicly from the channel kind
#include <asyncore.hpp>

class client;
using loop_type = asyncore::basic_loop<asyncore::poll_poller, asyncore::fd_table<client>>;

class client : asyncore::dispatcher<client, loop_type> {
 public:
  using dispatcher::dispatcher;
  void handle_read() {}
};

int main() {
  loop_type loop;
  loop.emplace<client>();
  loop.run();
}

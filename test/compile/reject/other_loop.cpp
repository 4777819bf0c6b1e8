// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: this channel is of another loop: name this loop.s type as the second template argument of its base
#include <asyncore.hpp>

using loop_type = asyncore::basic_loop<asyncore::poll_poller, asyncore::hash_map<>>;

struct reader : asyncore::dispatcher<reader> {
  using dispatcher::dispatcher;
  void handle_data(std::span<const std::byte>) {}
};

int main() {
  loop_type loop;
  loop.emplace<reader>();
  loop.run();
}

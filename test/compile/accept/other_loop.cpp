// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

using loop_type = asyncore::basic_loop<asyncore::poll_poller, asyncore::hash_map<>>;

struct reader : asyncore::dispatcher<reader, loop_type> {
  using dispatcher::dispatcher;
  void handle_data(std::span<const std::byte>) {}
};

int main() {
  loop_type loop;
  loop.emplace<reader>();
  loop.run();
}

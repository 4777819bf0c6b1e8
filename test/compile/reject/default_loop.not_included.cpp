// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel's loop is only declared: include <asyncore/loop.hpp>
#include <asyncore/dispatcher.hpp>

struct connection : asyncore::dispatcher<connection> {
  using dispatcher::dispatcher;
  void handle_data(std::span<const std::byte>) {}
};

int main() { connection().close(); }

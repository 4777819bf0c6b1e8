// SPDX-License-Identifier: BSL-1.0
#include <asyncore/default_loop.hpp>
#include <asyncore/dispatcher.hpp>

struct connection : asyncore::dispatcher<connection> {
  using dispatcher::dispatcher;
  void handle_data(std::span<const std::byte>) {}
};

int main() { connection().close(); }

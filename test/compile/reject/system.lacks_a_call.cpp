// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the Poller's system lacks one of the calls that concept/system.hpp lists
#include <asyncore.hpp>

struct only_a_clock {
  static std::chrono::nanoseconds now() { return std::chrono::nanoseconds(0); }
};

struct poller : asyncore::poll_poller {
  using system = only_a_clock;
};

int main() { asyncore::basic_loop<poller, asyncore::fd_table<>>().run(); }

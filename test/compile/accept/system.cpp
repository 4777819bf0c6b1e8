// SPDX-License-Identifier: BSL-1.0
// A system of one's own: here the kernel, but for a clock.
#include <asyncore.hpp>

struct stopped_clock : asyncore::posix_system {
  static std::chrono::nanoseconds now() { return std::chrono::nanoseconds(0); }
};

struct poller : asyncore::poll_poller {
  using system = stopped_clock;
};

int main() { asyncore::basic_loop<poller, asyncore::fd_table<>>().run(); }

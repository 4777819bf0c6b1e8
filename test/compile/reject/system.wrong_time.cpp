// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the Poller's system lacks one of the calls that concept/system.hpp lists
#include <asyncore.hpp>

struct seconds_only : asyncore::posix_system {
  static std::chrono::seconds now() { return std::chrono::seconds(0); }
};

struct poller : asyncore::poll_poller {
  using system = seconds_only;
};

int main() { asyncore::basic_loop<poller, asyncore::fd_table<>>().run(); }

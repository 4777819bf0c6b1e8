// SPDX-License-Identifier: BSL-1.0
/// What the servers with several threads share.
#pragma once

#include <signal.h>

#include <cstddef>
#include <vector>

#include "server.hpp"

namespace bench {

/// --threads and --share; the first of the ways is the usual one.
class group_options : public server_options {
 public:
  group_options(int argc, char** argv, std::initializer_list<const char*> ways)
      : server_options(argc, argv,
                       {{"--threads", {"1", "2", "3", "4", "6", "8", "12", "16", "24", "32"}},
                        {"--share", ways}}) {
    ::sigemptyset(&leaving_);
    ::sigaddset(&leaving_, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &leaving_, nullptr);  // before there are threads
  }

  std::size_t threads() const { return std::strtoul(chosen(0).data(), nullptr, 10); }
  std::string_view share() const { return chosen(1); }

  /// Returns at SIGTERM.
  void wait() const {
    int number = 0;
    ::sigwait(&leaving_, &number);
  }

 private:
  sigset_t leaving_;
};

/// How many connections a thread accepted; on a line of its own in the processor's cache.
struct alignas(64) accepted_count {
  int connections = 0;
};

/// Says how evenly they lie: the most of a thread over the mean.
inline void print_imbalance(const std::vector<accepted_count>& counts) {
  int most = 0, sum = 0;
  for (const accepted_count& each : counts) {
    most = each.connections > most ? each.connections : most;
    sum += each.connections;
  }
  std::fprintf(stderr, "imbalance %.4f\n",
               sum == 0 ? 1.0 : most * static_cast<double>(counts.size()) / sum);
}

}  // namespace bench

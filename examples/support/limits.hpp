// SPDX-License-Identifier: BSL-1.0
/// What a server bears from its peers.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <limits>

struct server_limits {
  /// For a request to arrive, for the next one to begin, for a peer to read some of what waits for
  /// it, and for all of them to finish when the server leaves.
  std::chrono::nanoseconds patience = std::chrono::seconds(60);
  /// Connections of a loop; those who come beyond it wait until one closes.
  std::size_t connections = std::numeric_limits<std::size_t>::max() / 2;
  /// A peer for which this many bytes wait is not read from.
  std::size_t waiting = 65536;
};

/// Of this program, the same for all its loops; not changed while they run.
inline server_limits limits;

inline void add_limits(CLI::App& app) {
  app.add_option_function<double>(
         "--timeout",
         [](const double& seconds) {
           limits.patience = std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::duration<double>(seconds));
         },
         "Seconds that a peer has: for a request, to begin the next one, to read, and to finish "
         "after SIGTERM (60)")
      ->check(CLI::Range(0.001, 1e6));
  app.add_option("--connections", limits.connections,
                 "Most connections of a thread at once; others wait")
      ->check(CLI::Range(1, 1 << 20));
}

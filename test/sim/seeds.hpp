// SPDX-License-Identifier: BSL-1.0
/// The simulation as a program sees it.
#pragma once

#include <asyncore/sim/faults.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace test::sim {

/// What came of one seed.
struct seed_result {
  std::uint64_t hash = 0;  // of the trace
  std::uint64_t connections = 0;
  std::vector<std::string> objections;
  std::array<std::uint64_t, asyncore::fault_kinds> faults{};
};

/// Runs one seed with a poller and a map; prints its trace to `trace` unless that is null.
template <class Place>
seed_result run_seed(std::uint64_t seed, std::FILE* trace);

}  // namespace test::sim

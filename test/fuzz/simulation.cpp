// SPDX-License-Identifier: BSL-1.0
// The simulation, in which the bytes decide what the kernel does, and when they have run out, the
// seed: two bytes at the beginning.
#include "../sim/workload.hpp"

#include "require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  using place = test::place<asyncore::sim_epoll_poller, test::dense, true>;
  const std::uint64_t seed = data[0] + 256u * data[1];
  test::sim::workload<place> work(seed, nullptr);
  work.script({data + 2, size - 2});
  const test::sim::seed_result result = work.run();
  for (const std::string& text : result.objections) std::fprintf(stderr, "%s\n", text.c_str());
  test::require(result.objections.empty(), "the simulation objects");
  return 0;
}

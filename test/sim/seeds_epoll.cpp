// SPDX-License-Identifier: BSL-1.0
// The simulation on one poller, with every map.
#include "workload.hpp"

namespace test::sim {

using asyncore::sim_epoll_poller;

template seed_result run_seed<place<sim_epoll_poller, dense, true>>(std::uint64_t, std::FILE*);
template seed_result run_seed<place<sim_epoll_poller, fixed, false>>(std::uint64_t, std::FILE*);
template seed_result run_seed<place<sim_epoll_poller, hashed, true>>(std::uint64_t, std::FILE*);

}  // namespace test::sim

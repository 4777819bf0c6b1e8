// SPDX-License-Identifier: BSL-1.0
/// What the program under test makes use of besides its channels.
#pragma once

#include <asyncore/sim/random.hpp>

#include <cstdint>

namespace test::sim {

/// Each is in about half of the runs; what ends a whole run before its time is in fewer.
struct features {
  explicit features(std::uint64_t seed) {
    asyncore::sim_random random(asyncore::sim_random::mixed(seed + 154));
    for (bool* const each : {&timers, &deadlines, &posts, &stops, &watermarks, &leaving, &aborts})
      *each = random.chance(32768);
    drains = random.chance(8192);
    abandons = random.chance(4096);
    nests = on(seed + 155, 32768);
    hangs = on(seed + 156, 16384);
    calls = on(seed + 157, 16384);
    reminds = on(seed + 158, 32768);
  }

  bool timers = false;      // call_later, call_at, call_every
  bool deadlines = false;   // of channels
  bool posts = false;
  bool stops = false;       // from anywhere
  bool watermarks = false;  // stop and start the reading
  bool leaving = false;     // close_when_done, also of channels that are still sent something
  bool aborts = false;
  bool drains = false;
  bool abandons = false;    // the loop ends with all that is in it
  bool nests = false;       // hooks have other channels read
  bool hangs = false;       // clients stop, without a close
  bool calls = false;       // datagrams go to where nobody is
  bool reminds = false;     // channels have timers of their own

 private:
  static bool on(std::uint64_t seed, std::uint32_t rate) {
    return asyncore::sim_random(asyncore::sim_random::mixed(seed)).chance(rate);
  }
};

}  // namespace test::sim

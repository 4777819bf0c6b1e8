// SPDX-License-Identifier: BSL-1.0
/// What a poller alone reports, without a loop.
#pragma once

#include <asyncore/default_loop.hpp>

#include <boost/hana/unpack.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <ostream>
#include <tuple>
#include <vector>

#include "../../support/descriptors.hpp"

namespace asyncore {
inline std::ostream& operator<<(std::ostream& out, interest bits) {
  return out << "interest " << static_cast<int>(bits);
}
inline std::ostream& operator<<(std::ostream& out, readiness bits) {
  return out << "readiness " << static_cast<int>(bits);
}
inline std::ostream& operator<<(std::ostream& out, token t) {
  return out << "fd " << t.fd << " generation " << t.generation;
}
}  // namespace asyncore

namespace test {

using asyncore::interest;
using asyncore::readiness;
using asyncore::token;

#if defined(TEST_SIMULATED)
using all_pollers = std::tuple<on_current<asyncore::sim_select_poller>,
                               on_current<asyncore::sim_poll_poller>,
                               on_current<asyncore::sim_epoll_poller>>;
#else
/// All pollers, from the one list.
using all_pollers = decltype(boost::hana::unpack(asyncore::pollers, [](auto... types) {
  return std::tuple<typename decltype(types)::type...>();
}));
#endif

/// What one wait reported.
struct report {
  token id;
  readiness ready;

  friend bool operator==(const report&, const report&) = default;
  friend std::ostream& operator<<(std::ostream& out, const report& r) {
    return out << r.id << ' ' << r.ready;
  }
};
using reports = std::vector<report>;

/// Waits once, and checks that the number returned is that of the reports.
template <class Poller>
reports wait(Poller& poller, asyncore::timeout_type timeout = std::chrono::nanoseconds(0)) {
  reports all;
  const int n = poller.wait(timeout, [&](token t, readiness ready) { all.push_back({t, ready}); });
  BOOST_TEST(n == static_cast<int>(all.size()));
  return all;
}

/// Waits until something is reported, but not for ever.
template <class Poller>
reports wait_long(Poller& poller) {
  return wait(poller, std::chrono::milliseconds(patience));
}

inline bool has_token(const reports& all, token t) {
  for (const report& r : all)
    if (r.id == t) return true;
  return false;
}

/// True when `ready` has any of the bits.
inline bool is(readiness ready, readiness bits) { return asyncore::any(ready, bits); }

}  // namespace test

// SPDX-License-Identifier: BSL-1.0
/// A clock that stands still while hooks run and jumps to the end of a wait in which nothing
/// happens: hours pass in no time, and always the same.
#pragma once

#include <asyncore/sys/posix_system.hpp>
#include <asyncore/word/timeout.hpp>

#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

#include "matrix.hpp"

namespace test {

#if defined(TEST_SIMULATED)
/// A simulated kernel has such a clock anyway.
struct virtual_clock {
  static inline std::chrono::nanoseconds start{};
  static inline std::vector<asyncore::timeout_type> waits;

  static std::chrono::nanoseconds now() { return sys().now(); }
  static std::chrono::nanoseconds passed() { return now() - start; }
  static void advance(std::chrono::nanoseconds by) {
    for (const auto end = now() + by; now() < end;) kernel::current().advance(end);
  }
  static void reset() {
    start = now();
    waits.clear();
  }
};

template <class Poller>
struct virtual_time_poller : Poller {
  template <class Sink>
  int wait(asyncore::timeout_type timeout, Sink sink) {
    virtual_clock::waits.push_back(timeout);
    return Poller::wait(timeout, std::move(sink));
  }
};
#else
struct virtual_clock {
  static constexpr std::chrono::nanoseconds start = std::chrono::hours(1);
  static inline std::chrono::nanoseconds time = start;
  static inline int reads = 0;
  static inline std::vector<asyncore::timeout_type> waits;

  static std::chrono::nanoseconds now() { return time; }
  static void advance(std::chrono::nanoseconds by) { time += by; }
  /// What has passed since `reset`.
  static std::chrono::nanoseconds passed() { return time - start; }
  static void reset() {
    time = start;
    reads = 0;
    waits.clear();
  }
};

struct virtual_time_system : asyncore::posix_system {
  static std::chrono::nanoseconds now() noexcept {
    ++virtual_clock::reads;
    return virtual_clock::time;
  }
};

template <class Poller>
class virtual_time_poller : public Poller {
 public:
  using system = virtual_time_system;

  template <class Sink>
  int wait(asyncore::timeout_type timeout, Sink sink) {
    virtual_clock::waits.push_back(timeout);
    const int n = Poller::wait(std::chrono::nanoseconds(0), std::move(sink));
    if (n != 0) return n;
    if (!timeout) throw std::logic_error("this wait would never end");
    if (timeout->count() > 0) virtual_clock::time += *timeout;
    return 0;
  }
};
#endif

/// The place with a virtual clock.
template <class Place>
using timeless = place<virtual_time_poller<typename Place::poller>, typename Place::map_kind,
                       Place::closed>;

}  // namespace test

// SPDX-License-Identifier: BSL-1.0
/// An observer that counts.
#ifndef ASYNCORE_STATISTICS_HPP
#define ASYNCORE_STATISTICS_HPP

#include <asyncore/word/error.hpp>
#include <asyncore/word/histogram.hpp>
#include <asyncore/word/log.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace asyncore {

/// What a loop has done, for `observed<Poller, loop_statistics>` (see poller/observed.hpp). Written
/// in the loop's thread; any thread may read, without waiting for it.
class loop_statistics {
 public:
  /// A hook that was slow.
  struct slow_hook {
    std::string_view channel;  // empty for a timer and a posted function
    std::string_view name;
    std::uint64_t count = 0;
    std::chrono::nanoseconds longest{0};
  };

  std::uint64_t turns() const noexcept { return lag_.count(); }
  std::uint64_t events() const noexcept { return events_.get(); }
  std::uint64_t bytes_received() const noexcept { return received_.get(); }
  std::uint64_t bytes_sent() const noexcept { return sent_.get(); }

  /// How long each hook took.
  const histogram& hooks() const noexcept { return hooks_; }

  /// How long each turn kept the loop from its next wait.
  const histogram& lag() const noexcept { return lag_; }

  /// Hooks that take at least so long are logged, and counted by class and name; 50 ms at first.
  /// To be called before the loop runs, or in its thread.
  void set_slow_after(std::chrono::nanoseconds limit) noexcept { slow_after_ = limit; }

  /// Calls `f(slow_hook)` for each class and name that was slow; of the first `most_slow`, others
  /// count as one without names.
  template <class F>
  void for_each_slow(F f) const {
    for (const entry& each : slow_) {
      if (!__atomic_load_n(&each.used, __ATOMIC_ACQUIRE)) break;
      f(slow_hook{each.channel, each.name, each.count.get(),
                  std::chrono::nanoseconds(static_cast<std::int64_t>(each.longest.get()))});
    }
  }
  static constexpr std::size_t most_slow = 64;

  /// The members of an observer.
  /// @{
  void turn(std::chrono::nanoseconds busy) noexcept { lag_.record(busy); }
  void event() noexcept { events_.add(1); }
  void hook(std::string_view channel, std::string_view name,
            std::chrono::nanoseconds took) noexcept {
    hooks_.record(took);
    if (took >= slow_after_) [[unlikely]]
      slow(channel, name, took);
  }
  void received(std::size_t n) noexcept { received_.add(n); }
  void sent(std::size_t n) noexcept { sent_.add(n); }
  /// @}

 private:
  struct entry {
    std::string_view channel;
    std::string_view name;
    counter count;
    counter longest;
    bool used = false;  // set when the names stand
  };

  ASYNCORE_COLD void slow(std::string_view channel, std::string_view name,
                          std::chrono::nanoseconds took) noexcept {
    entry& e = entry_of(channel, name);
    const auto n = static_cast<std::uint64_t>(took.count());
    e.count.add(1);
    if (n > e.longest.get()) e.longest.set(n);
    char time[40];
    std::snprintf(time, sizeof time, "%.3f ms", static_cast<double>(took.count()) / 1e6);
    detail::guarded(
        [&] {
          log(detail::joined({"slow hook: ", name, channel.empty() ? "" : " of ", channel, " took ",
                              static_cast<const char*>(time)}));
        },
        [] {});
  }

  entry& entry_of(std::string_view channel, std::string_view name) noexcept {
    std::size_t i = 0;
    while (i < most_slow && slow_[i].used &&
           (slow_[i].channel != channel || slow_[i].name != name))
      ++i;
    entry& e = slow_[i];
    if (!e.used && i < most_slow) {
      e.channel = channel;
      e.name = name;
    }
    __atomic_store_n(&e.used, true, __ATOMIC_RELEASE);
    return e;
  }

  counter events_;
  counter received_;
  counter sent_;
  histogram hooks_;
  histogram lag_;
  std::chrono::nanoseconds slow_after_ = std::chrono::milliseconds(50);
  std::array<entry, most_slow + 1> slow_;
};

}  // namespace asyncore

#endif

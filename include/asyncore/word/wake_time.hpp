// SPDX-License-Identifier: BSL-1.0
/// When the wait of a loop has to end at the latest.
#ifndef ASYNCORE_WORD_WAKE_TIME_HPP
#define ASYNCORE_WORD_WAKE_TIME_HPP

#include <asyncore/word/duration.hpp>

#include <compare>
#include <cstdint>

namespace asyncore {

/// The end of time, which a deadline that is not set has.
inline constexpr std::chrono::nanoseconds never = std::chrono::nanoseconds::max();

/// At once, at a time of the loop's clock, each turn (whatever the time), or never; in this order.
class wake_time {
 public:
  static constexpr wake_time at_once() noexcept { return wake_time(0); }
  /// `when`: of the monotonic clock; zero or less is at once, `nanoseconds::max()` is never.
  static constexpr wake_time at(std::chrono::nanoseconds when) noexcept {
    if (when == asyncore::never) return never();
    return wake_time(when.count() <= 0 ? 0 : static_cast<std::uint64_t>(when.count()));
  }
  /// The wait ends for other reasons; something is to be done after it.
  static constexpr wake_time each_turn() noexcept { return wake_time(last - 1); }
  static constexpr wake_time never() noexcept { return wake_time(last); }

  constexpr bool is_never() const noexcept { return count_ == last; }
  constexpr bool has_time() const noexcept { return count_ < last - 1; }
  /// True for a time that `now` has reached.
  constexpr bool has_come(std::chrono::nanoseconds now) const noexcept {
    return has_time() && count_ <= static_cast<std::uint64_t>(now.count());
  }
  /// From `now` on; negative when it has passed. Of one that `has_time`.
  constexpr std::chrono::nanoseconds left(std::chrono::nanoseconds now) const noexcept {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(count_)) - now;
  }

  friend constexpr auto operator<=>(wake_time, wake_time) noexcept = default;

 private:
  // All bits, which a comparison with -1 finds.
  static constexpr std::uint64_t last = ~std::uint64_t{0};
  explicit constexpr wake_time(std::uint64_t count) noexcept : count_(count) {}

  std::uint64_t count_;
};

}  // namespace asyncore

#endif

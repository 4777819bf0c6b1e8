// SPDX-License-Identifier: BSL-1.0
/// How long a wait may take.
#ifndef ASYNCORE_WORD_TIMEOUT_HPP
#define ASYNCORE_WORD_TIMEOUT_HPP

#include <asyncore/word/duration.hpp>

#include <limits>
#include <optional>
#include <type_traits>

namespace asyncore {

/// The longest that a wait may take; nothing: for ever. Zero or less does not wait.
using timeout_type = std::optional<std::chrono::nanoseconds>;

/// The timeout that poll(2) and epoll_wait(2) take: milliseconds rounded up, so that nobody wakes
/// before the time; -1 for ever; never more than an int holds, which only wakes early.
constexpr int to_milliseconds(timeout_type timeout) noexcept {
  if (!timeout) return -1;
  if (timeout->count() <= 0) return 0;
  const auto rounded = (timeout->count() - 1) / 1'000'000 + 1;
  return rounded > std::numeric_limits<int>::max() ? std::numeric_limits<int>::max()
                                                   : static_cast<int>(rounded);
}

namespace detail {
/// `d` in nanoseconds; the longest or the shortest that there is, if it is longer or shorter.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds in_nanoseconds(std::chrono::duration<Rep, Period> d) noexcept {
  using nanoseconds = std::chrono::nanoseconds;
  if constexpr (std::is_same_v<decltype(d), nanoseconds>) {
    return d;
  } else {
    constexpr double most = 9.2e9;  // seconds; nanoseconds hold a little more
    const double seconds = std::chrono::duration_cast<std::chrono::duration<double>>(d).count();
    if (seconds > most) return nanoseconds::max();
    if (seconds < -most) return nanoseconds::min();
    return seconds == seconds ? std::chrono::duration_cast<nanoseconds>(d) : nanoseconds(0);
  }
}

/// The time `timeout` after `now`, which is not negative; the last that there is, if that is later.
constexpr std::chrono::nanoseconds deadline_after(std::chrono::nanoseconds now,
                                                  std::chrono::nanoseconds timeout) noexcept {
  constexpr auto last = std::chrono::nanoseconds::max();
  return timeout > last - now ? last : now + timeout;
}
}  // namespace detail

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// An adaptor that asks for a while before it blocks.
#ifndef ASYNCORE_POLLER_SPINNING_HPP
#define ASYNCORE_POLLER_SPINNING_HPP

#include <asyncore/concept/poller.hpp>
#include <asyncore/poller/sink_tap.hpp>
#include <asyncore/word/duration.hpp>

#include <cstdint>
#include <utility>

namespace asyncore {

/// `Poller`, which polls with a zero timeout for up to `Microseconds` before it blocks: a wake-up
/// costs more than a short wait on a processor that would be idle anyway. It watches what comes of
/// it: a wait that spinning would have caught brings the whole time back, one in vain halves it
/// down to nothing, so an idle loop uses no processor time.
template <class Poller, std::int64_t Microseconds = 50>
class spinning : public Poller {
  static_assert(Microseconds > 0, "asyncore: spinning<Poller, Microseconds> needs a time to spin");

 public:
  using Poller::Poller;

  template <class Sink>
  int wait(timeout_type timeout, Sink sink) {
    const auto most = timeout.value_or(longest);
    if (most.count() <= 0) return Poller::wait(timeout, std::move(sink));
    const auto start = now();
    const auto end = start + (most < time_ ? most : time_);
    for (auto at = start; at < end; at = now()) {
      const int n = Poller::wait(std::chrono::nanoseconds(0), sink);
      if (n != 0) return n;
    }
    if (timeout) *timeout -= now() - start;
    time_ = time_ > shortest ? time_ / 2 : std::chrono::nanoseconds(0);
    bool first = true;
    return Poller::wait(timeout, detail::preceded(sink, [&] {
                          if (!first) return;
                          first = false;
                          if (now() - start <= longest) time_ = longest;
                        }));
  }

  /// How long the next wait spins.
  std::chrono::nanoseconds spin_time() const noexcept { return time_; }

 private:
  static constexpr std::chrono::nanoseconds longest = std::chrono::microseconds(Microseconds);
  static constexpr std::chrono::nanoseconds shortest = std::chrono::microseconds(1);

  std::chrono::nanoseconds now() {
    if constexpr (requires(Poller& p) { p.get_system(); }) {
      return this->get_system().now();
    } else {
      return typename Poller::system{}.now();
    }
  }

  std::chrono::nanoseconds time_ = longest;
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// Ending a loop well.
#ifndef ASYNCORE_LOOP_DRAIN_SERVICE_HPP
#define ASYNCORE_LOOP_DRAIN_SERVICE_HPP

#include <asyncore/concept/loop_service.hpp>
#include <asyncore/word/wake_time.hpp>

#include <utility>

namespace asyncore::detail {

/// Ends `run` when the loop is empty, or at its time.
template <class Loop>
class drain_service : public loop_service<Loop> {
 public:
  explicit drain_service(Loop&) noexcept
      : loop_service<Loop>(service_operations<Loop, drain_service>) {}

  /// Ends at `when`; returns whether it did not drain yet.
  bool start(Loop& loop, std::chrono::nanoseconds when) noexcept {
    if (when < loop.now()) when = loop.now();  // as far back as a clock reaches, and no sum of that
    end_ = when;
    loop.wake_by(next_end());
    return !std::exchange(draining_, true);
  }

  bool may_wait(Loop& loop) const noexcept { return !draining_ || loop.holds().any(loop.size()); }

  void after_wait(Loop& loop) {
    if (!draining_) return;
    // What is posted, or comes of work that is out, may be a channel.
    const bool ends = next_end().has_time() && next_end().has_come(loop.now());
    if (!ends && (loop.holds().any(loop.size()) || !loop.mail().empty())) return;
    loop.close_all(true);
    draining_ = false;
    loop.bell().stop_request().raise();
  }

  wake_time next() const noexcept { return draining_ ? next_end() : wake_time::never(); }
  bool busy() const noexcept { return draining_; }

 private:
  // Each turn is worth a look whether all have finished.
  wake_time next_end() const noexcept {
    return end_ == never ? wake_time::each_turn() : wake_time::at(end_);
  }

  std::chrono::nanoseconds end_ = never;
  bool draining_ = false;
};

}  // namespace asyncore::detail

#endif

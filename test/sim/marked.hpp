// SPDX-License-Identifier: BSL-1.0
/// Watermarks of channels, and what is expected of them.
#pragma once

#include "stage.hpp"

#include <limits>

namespace test::sim {

/// A channel whose out-queue has watermarks: the two hooks are called in turn, and when the queue
/// has crossed them. It may read only between the low and the high one.
template <class Derived>
struct marked {
  explicit marked(stage& on) {
    if (!on.with.watermarks) return;
    high_watermark = on.random.below(3000);
    low_watermark = on.random.below(high_watermark + 1);
    stops_reading = on.random.chance(32768);
  }

  void handle_high_water() {
    remark("high water");
    if (std::exchange(is_high, true)) self().talk.object("high water twice");
    if (self().queued() <= high_watermark) self().talk.object("high water below its mark");
    if (stops_reading) self().pause_reading();
    self().on.misbehave(self());
  }
  void handle_low_water() {
    remark("low water");
    if (!std::exchange(is_high, false)) self().talk.object("low water without high water");
    if (self().queued() > low_watermark) self().talk.object("low water above its mark");
    if (stops_reading) self().resume_reading();
    self().on.misbehave(self());
  }

  /// At the beginning of a turn's first hook: what the socket did not take has been told.
  void check_marks() {
    if (std::exchange(checked_in, self().on.waits()) == self().on.waits()) return;
    if (!is_high && self().queued() > high_watermark) self().talk.object("high water, untold");
  }

  void remark(const char* what) { self().on.kernel.trace().remark(what); }
  Derived& self() { return static_cast<Derived&>(*this); }

  std::size_t high_watermark = std::numeric_limits<std::size_t>::max();
  std::size_t low_watermark = 0;
  bool stops_reading = false;
  bool is_high = false;
  std::uint64_t checked_in = 0;  // the last turn
};

}  // namespace test::sim

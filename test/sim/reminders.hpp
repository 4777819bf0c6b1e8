// SPDX-License-Identifier: BSL-1.0
/// Timers of channels, and what is expected of them.
#pragma once

#include "counted.hpp"
#include "stage.hpp"

#include <asyncore/timers.hpp>

#include <algorithm>

namespace test::sim {

/// The function of such a timer: called at its time, and not when its channel has closed.
template <class Channel>
struct reminder : counted<reminder_count> {
  reminder(stage& s, const seat& channel, std::chrono::nanoseconds when)
      : counted(s.reminders), on(s), of(&channel), due(when) {}

  void operator()(Channel& channel) const {
    // The channel may be gone; it is looked at when it is known to be there.
    stage& there = on;
    if (std::find(there.seats.begin(), there.seats.end(), of) == there.seats.end())
      return there.kernel.object("a timer of a channel that is gone");
    there.kernel.trace().remark("a timer of a channel");
    if (channel.native_handle() < 0) channel.talk.object("a timer of what has closed");
    const std::chrono::nanoseconds now = there.kernel.now();
    if (now < due || now > due + stage::rounding) channel.talk.object("a timer at another time");
    there.misbehave(channel);
  }

  stage& on;
  const seat* of;
  std::chrono::nanoseconds due;
};

/// In a hook of `channel`: it may want to be called later.
template <class Channel>
void remind(Channel& channel) {
  stage& on = channel.on;
  if (!on.with.reminds || !channel.registered() || !on.random.chance(8192)) return;
  const std::chrono::nanoseconds time = std::chrono::microseconds(500) * on.random.below(20);
  channel.call_later(time, reminder<Channel>(on, channel, on.kernel.now() + time));
}

}  // namespace test::sim

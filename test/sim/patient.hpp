// SPDX-License-Identifier: BSL-1.0
/// Deadlines of channels, and what is expected of them.
#pragma once

#include "stage.hpp"

namespace test::sim {

/// A channel that does not wait for ever for its client: `handle_timeout` is called when nothing
/// has happened for a time, and not before.
template <class Derived, class Loop>
struct patient : asyncore::deadline<Derived, Loop> {
  /// Something has happened.
  void sign_of_life() {
    stage& on = self().on;
    if (!on.with.deadlines) return;
    check_in_time();
    if (on.random.chance(4096)) {
      this->clear_deadline();
      due = asyncore::never;
      return;
    }
    // Often later than it was, and sometimes earlier.
    const auto time = std::chrono::microseconds(on.random.between(0, 3) * 8000 + 10);
    this->set_deadline(time);
    due = on.kernel.now() + time;
    if (this->deadline_time() != due) self().talk.object("a deadline at another time");
  }

  void handle_timeout() {
    stage& on = self().on;
    on.kernel.trace().add(static_cast<std::uint64_t>(due.count()));
    on.kernel.trace().remark("handle_timeout");
    if (self().native_handle() < 0) self().talk.object("handle_timeout of what has closed");
    if (on.kernel.now() < due) self().talk.object("a deadline that has not come");
    check_in_time();
    due = asyncore::never;
    if (this->has_deadline()) self().talk.object("a deadline that has passed, and lasts");
    if (on.random.chance(8192)) return self().shut();
    if (on.random.chance(32768)) sign_of_life();
    on.misbehave(self());
  }

  void check_in_time() {
    const stage& on = self().on;
    if (due != asyncore::never && on.kernel.now() > due + stage::rounding)
      self().talk.object("a deadline has passed, and nobody was told");
  }
  void check_cleared() {
    if (this->has_deadline()) self().talk.object("a deadline of what has closed");
  }

  Derived& self() { return static_cast<Derived&>(*this); }

  std::chrono::nanoseconds due = asyncore::never;
};

}  // namespace test::sim

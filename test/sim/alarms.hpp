// SPDX-License-Identifier: BSL-1.0
/// Timers of a loop, and what is expected of them.
#pragma once

#include "counted.hpp"
#include "stage.hpp"

#include <array>

namespace test::sim {

/// They are called in the order of their times, those of one time in that of their making; not
/// before their time, not much later, and not after they were cancelled. Periodic ones keep to the
/// multiples of their period.
template <class Loop>
class alarms {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  explicit alarms(stage& s) : stage_(s) {}

  /// Makes one of some kind, unless there are enough.
  void add(Loop& loop) {
    const std::uint32_t at = unused();
    if (at == most || made_ == most_made) return;
    alarm& a = alarms_[at];
    sim_random& random = stage_.random;
    const nanoseconds now = stage_.kernel.now();
    const std::uint32_t serial = made_ + 1;
    nanoseconds due = now, period{0};
    bool unref = false;
    const auto make = [&](const auto& f) {
      switch (random.below(8)) {
        case 0:
          a.handle = loop.call_later(nanoseconds(-5), f);
          return;
        case 1:
          a.handle = loop.call_at(now - std::chrono::milliseconds(1), f);
          return;
        case 2:
          due = now + some_time();
          a.handle = loop.call_at(due, f);
          return;
        case 3:
        case 4:
          period = random.chance(8192) ? nanoseconds(0) : some_time();
          a.handle = loop.call_every(period, f);
          period = std::max(period, nanoseconds(1));
          due = now + period;
          return;
        case 5:
          due = now + far;
          a.handle = loop.call_later(far, f);
          if (random.chance(32768)) a.handle.unref(), unref = true;
          return;
        default:
          due = now + some_time();
          a.handle = loop.call_later(due - now, f);
      }
    };
    if (random.chance(49152)) {
      make(function{counted<alarms>(*this), at, serial});
    } else {
      make(large_function{{counted<alarms>(*this), at, serial}, {}});
    }
    made_ = serial;
    ++live_;
    a.serial = serial;
    a.start = now;
    a.period = period;
    a.calls_left = static_cast<int>(random.between(1, 20));
    a.live = true;
    a.unref = unref;
    arm(a, due);
    check_counts();
  }

  /// Cancels one of them, which may be gone already.
  void cancel() { cancel(alarms_[stage_.random.below(most)]); }

  /// Those that would keep the loop for long, or for ever. It goes on for none without reference.
  void cancel_endless() {
    for (alarm& a : alarms_)
      if (a.live && !a.unref && (a.period.count() > 0 || a.due > stage_.kernel.now() + far / 2)) cancel(a);
  }

  /// Something is to be called, so that the loop goes on.
  bool waiting() const {
    return std::any_of(alarms_.begin(), alarms_.end(),
                       [](const alarm& a) { return a.live && !a.unref; });
  }
  /// No wait ends before; one may at the time of what was cancelled.
  nanoseconds next() const {
    if (cancelled_) return nanoseconds(0);
    nanoseconds first = asyncore::never;
    for (const alarm& a : alarms_)
      if (a.live) first = std::min(first, a.due);
    return first;
  }
  /// An exception has left the loop: what it has not come to follows in its next turn.
  void interrupted() { interrupted_ = true; }
  /// The loop has ended.
  void expect_all_destroyed() const {
    if (alive != 0) object("lasts longer than its loop");
  }

  int alive = 0;  // function objects

 private:
  static constexpr std::size_t most = 10;
  static constexpr std::uint32_t most_made = 60;
  static constexpr nanoseconds far = std::chrono::hours(24) * 36525;

  struct alarm {
    asyncore::timer<Loop> handle;
    nanoseconds start{0}, due{0}, period{0};
    std::uint32_t serial = 0;  // of what it stands for now
    std::uint64_t order = 0;   // of those of one time
    std::uint64_t wait = 0;    // the last one when it was armed
    int calls_left = 0;
    bool live = false;
    bool unref = false;
  };
  struct function : counted<alarms> {
    std::uint32_t at, serial;
    void operator()() { this->all.called(at, serial); }
  };
  /// One that is kept on the heap.
  struct large_function : function {
    std::array<char, 100> room;
  };

  /// Often the same for several.
  nanoseconds some_time() {
    const nanoseconds time = std::chrono::microseconds(500) * stage_.random.between(1, 20);
    return stage_.random.chance(16384) ? time + nanoseconds(stage_.random.below(1000)) : time;
  }
  std::uint32_t unused() const {
    std::uint32_t at = 0;
    while (at < most && (alarms_[at].live || &alarms_[at] == acting_)) ++at;
    return at;
  }
  void arm(alarm& a, nanoseconds due) {
    a.due = due;
    a.order = ++orders_;
    a.wait = stage_.waits();
  }

  void cancel(alarm& a) {
    if (a.handle.pending() != a.live) object("says that it is pending, or not");
    if (a.handle.cancel() != a.live) object("says that it is cancelled, or not");
    if (a.live) --live_;
    cancelled_ |= a.live;
    a.live = false;
    if (a.handle.pending()) object("is pending although it is cancelled");
    check_counts();
  }

  void called(std::uint32_t at, std::uint32_t serial) {
    alarm& a = alarms_[at];
    stage_.kernel.trace().add(serial);
    stage_.kernel.trace().remark("a timer");
    if (a.serial != serial || !a.live) return object("is called that was cancelled");
    check_time(a);
    check_order(a);
    const acting_scope scope(*this, a);
    if (a.period.count() == 0) {
      a.live = false;
      --live_;
    }
    if (a.handle.pending() != a.live) object("runs, and says that it is pending, or not");
    check_counts();
    act(a);
  }

  void act(alarm& a) {
    if (a.period.count() > 0 && --a.calls_left <= 0) cancel(a);
    stage_.intermission();
  }

  void check_time(const alarm& a) const {
    const nanoseconds now = stage_.kernel.now();
    if (now < a.due) object("is called before its time");
    if (now > a.due + stage::rounding) object("is called late");
  }

  /// What this turn has found due is called in order; what has been added since comes later.
  void check_order(const alarm& a) {
    const std::uint64_t wait = stage_.waits();
    if (wait != last_wait_ && !std::exchange(interrupted_, false)) turn_ = wait;
    last_wait_ = wait;
    for (const alarm& other : alarms_)
      if (other.live && other.wait < turn_ && before(other, a)) object("is called before another");
  }
  static bool before(const alarm& a, const alarm& b) {
    return a.due != b.due ? a.due < b.due : a.order < b.order;
  }

  /// A function that was cancelled is destroyed at once, unless it runs.
  void check_counts() const {
    const int running = acting_ != nullptr && !acting_->live ? 1 : 0;
    if (alive != live_ + running) object("is not destroyed when it was cancelled");
  }

  /// While one is called; if it is called again, when.
  struct acting_scope {
    acting_scope(alarms& o, alarm& which) noexcept : of(o), a(which) { of.acting_ = &a; }
    acting_scope(const acting_scope&) = delete;
    acting_scope& operator=(const acting_scope&) = delete;
    ~acting_scope() {
      of.acting_ = nullptr;
      if (!a.live) return;
      const auto periods = (of.stage_.kernel.now() - a.start) / a.period + 1;
      of.arm(a, a.start + periods * a.period);
    }
    alarms& of;
    alarm& a;
  };

  void object(const std::string& what) const { stage_.kernel.object("a timer " + what); }

  stage& stage_;
  std::array<alarm, most> alarms_;
  const alarm* acting_ = nullptr;
  std::uint32_t made_ = 0;
  std::uint64_t orders_ = 0;
  std::uint64_t last_wait_ = 0, turn_ = 0;
  int live_ = 0;
  bool interrupted_ = false;
  bool cancelled_ = false;  // any of them
};

}  // namespace test::sim

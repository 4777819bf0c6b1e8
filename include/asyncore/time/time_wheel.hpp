// SPDX-License-Identifier: BSL-1.0
/// What waits for a time, in order.
#ifndef ASYNCORE_TIME_TIME_WHEEL_HPP
#define ASYNCORE_TIME_TIME_WHEEL_HPP

#include <asyncore/word/duration.hpp>
#include <asyncore/word/list_node.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace asyncore {

/// Something that waits for its time in a `time_wheel`; the owner takes it out before it ends.
/// `Context` is what `act` is given.
template <class Context>
struct timed : list_node {
  using action = void (*)(timed&, Context*);

  explicit timed(action what) noexcept : act(what) {}

  action act;
  /// When its time comes or has come; while it waits nobody but the wheel changes it.
  std::chrono::nanoseconds when = std::chrono::nanoseconds::max();
};

/// A hierarchy of wheels, down to the nanosecond: level n has a slot for each value of the time's
/// n-th digit in base 64, so that something waits at the highest digit in which its time differs
/// from the present, and moves down when the digits above have come. Adding and removing take
/// constant time, no memory and no comparison with others; what is taken out comes in the order of
/// time, then of insertion.
template <class Context>
class time_wheel {
 public:
  using node = timed<Context>;

  time_wheel() noexcept = default;
  time_wheel(const time_wheel&) = delete;
  time_wheel& operator=(const time_wheel&) = delete;

  bool empty() const noexcept { return levels_ == 0; }

  /// Adds `n`, which is not in a wheel, to be taken at `when`. `now`: not before a time that
  /// `take` was given. A time before that counts as that time. Constant time.
  void add(node& n, std::chrono::nanoseconds when, std::chrono::nanoseconds now) noexcept {
    if (levels_ == 0) present_ = count(now);
    n.when = when;
    place(n);
  }

  /// Takes `n` out, also from a list that `take` has given it to. Constant time.
  void remove(node& n) noexcept {
    const list_node* const next = n.after();
    n.unlink();
    if (!next->unlinked()) return;
    // The head of a list that is empty now: of a slot, or of somebody else's.
    const std::uintptr_t offset =
        reinterpret_cast<std::uintptr_t>(next) - reinterpret_cast<std::uintptr_t>(&slots_);
    if (offset < sizeof slots_) emptied(offset / sizeof(slot));
  }

  /// When `take` is worth a call: not later than the first time that is waited for, and earlier
  /// only when the one that waited for it has been removed; the last time of all for never.
  std::chrono::nanoseconds next() const noexcept {
    if (levels_ == 0) return std::chrono::nanoseconds::max();
    return std::chrono::nanoseconds(slots_[first_slot()].earliest);
  }

  /// Gives `into(node)` everything whose time is `now` or earlier, in order and taken out. Each is
  /// moved at most once for each digit of the time for which it has waited.
  template <class Into>
  void take(std::chrono::nanoseconds now, Into into) {
    while (levels_ != 0) {
      const std::size_t at = first_slot();
      slot& s = slots_[at];
      if (s.earliest > now.count()) return;
      node& first = as_node(s.all.front());
      const bool alone = first.after() == &s.all;
      if (at >= per_level && !(alone && first.when <= now)) {
        move_down(at);
        continue;
      }
      for (bool more = true; more;) {  // a slot of the lowest level has one time
        node& n = as_node(s.all.front());
        more = n.after() != &s.all;
        remove(n);
        into(n);
      }
    }
  }

  /// Gives `into(node)` everything, taken out, in no particular order.
  template <class Into>
  void take_all(Into into) {
    while (levels_ != 0) {
      node& n = as_node(slots_[first_slot()].all.front());
      remove(n);
      into(n);
    }
  }

 private:
  static constexpr int bits = 6;
  static constexpr std::size_t per_level = 1 << bits;
  static constexpr std::size_t level_count = 11;  // 63 bits of nanoseconds

  struct slot {
    list_node all;
    std::int64_t earliest;  // no later than what is in `all`
  };

  static node& as_node(list_node* n) noexcept { return static_cast<node&>(*n); }
  static std::uint64_t count(std::chrono::nanoseconds t) noexcept {
    return t.count() < 0 ? 0 : static_cast<std::uint64_t>(t.count());
  }

  // Nothing in a lower level is later than anything in a higher one.
  std::size_t first_slot() const noexcept {
    const auto level = static_cast<std::size_t>(__builtin_ctz(levels_));
    return level * per_level + static_cast<std::size_t>(__builtin_ctzll(filled_[level]));
  }

  void place(node& n) noexcept {
    std::uint64_t when = count(n.when);
    if (when < present_) {
      when = present_;
      n.when = std::chrono::nanoseconds(present_);
    }
    const std::uint64_t differs = when ^ present_;
    const auto level = static_cast<std::size_t>(63 - __builtin_clzll(differs | 1)) / bits;
    const std::size_t digit = (when >> (level * bits)) % per_level;
    slot& s = slots_[level * per_level + digit];
    const auto time = static_cast<std::int64_t>(when);
    if (s.all.unlinked() || time < s.earliest) s.earliest = time;
    n.link_alone_before(s.all);
    filled_[level] |= std::uint64_t{1} << digit;
    levels_ |= 1u << level;
  }

  void emptied(std::size_t at) noexcept {
    const std::size_t level = at / per_level;
    filled_[level] &= ~(std::uint64_t{1} << at % per_level);
    if (filled_[level] == 0) levels_ &= ~(1u << level);
  }

  /// The time of a slot has come, but not yet of all in it.
  void move_down(std::size_t at) noexcept {
    list_node all;
    all.take(slots_[at].all);
    emptied(at);
    const std::size_t below = at / per_level * bits;
    present_ = count(as_node(all.front()).when) >> below << below;
    while (!all.unlinked()) {
      node& n = as_node(all.front());
      n.unlink();
      place(n);
    }
  }

  std::uint64_t present_ = 0;  // not after the first that waits
  std::uint32_t levels_ = 0;   // those with something in them
  std::uint64_t filled_[level_count] = {};
  slot slots_[level_count * per_level];
};

}  // namespace asyncore

#endif

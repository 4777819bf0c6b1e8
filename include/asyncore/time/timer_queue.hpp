// SPDX-License-Identifier: BSL-1.0
/// The timers of a loop and the deadlines of its channels.
#ifndef ASYNCORE_TIME_TIMER_QUEUE_HPP
#define ASYNCORE_TIME_TIMER_QUEUE_HPP

#include <asyncore/concept/loop_service.hpp>
#include <asyncore/time/time_wheel.hpp>
#include <asyncore/word/usage_check.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace asyncore {

/// One for each loop that uses timers. Timers are cells of a pool, so that adding one allocates
/// nothing in steady state; what a channel has is its own.
template <class Loop>
class timer_queue : public loop_service<Loop> {
 public:
  using node = timed<Loop>;

  /// A timer. `generation` is another one as soon as its function is gone.
  struct alignas(64) cell : node {
    cell() noexcept : node(nullptr) {}

    std::uint32_t generation = 1;
    bool dropped = false;  // cancelled by its own function, which is still running
    bool unref = false;    // `run` ends without it
    alignas(void*) std::byte function[64 - sizeof(node) - 2 * sizeof generation];
  };
  static_assert(sizeof(cell) == 64);

  explicit timer_queue(Loop&)
      : loop_service<Loop>(detail::service_operations<Loop, timer_queue>) {}
  ~timer_queue() {
    while (!due_.unlinked()) drop(static_cast<node&>(*due_.front()));
    wheel_.take_all([](node& n) { drop(n); });
    while (chunks_ != nullptr) {
      chunk* const last = chunks_;
      chunks_ = last->behind;
      ::operator delete(last, std::align_val_t(alignof(chunk)));
    }
  }

  /// Adds a timer, whose function `fill` puts into its cell and whose action is `act`.
  template <class Fill>
  cell& add_timer(Loop& loop, std::chrono::nanoseconds when, typename node::action act, Fill fill) {
    cell& c = free_cell();
    fill(c);
    free_.pop_back();
    if (!free_.empty()) __builtin_prefetch(free_.back(), 1);
    c.act = act;
    ++timers_;
    arm(c, when, loop);
    return c;
  }

  /// Has `n` act at `when`, from the next turn on.
  void arm(node& n, std::chrono::nanoseconds when, Loop& loop) noexcept {
    const std::chrono::nanoseconds now = loop.now();
    wheel_.add(n, when < now ? now : when, now);
    loop.wake_by(wake_time::at(n.when));
  }
  void disarm(node& n) noexcept { wheel_.remove(n); }

  /// Takes a timer out that has not acted yet; false when there is none of this generation.
  bool cancel(cell& c, std::uint32_t generation) noexcept {
    if (c.generation != generation) return false;
    if (&c == acting_) {
      if (std::exchange(c.dropped, true)) return false;
      return true;
    }
    wheel_.remove(c);
    c.act(c, nullptr);
    release(c);
    return true;
  }
  /// `run` does not go on for it.
  void unref(cell& c, std::uint32_t generation) noexcept {
    if (pending(c, generation) && !std::exchange(c.unref, true)) --timers_;
  }
  bool pending(const cell& c, std::uint32_t generation) const noexcept {
    return c.generation == generation && !c.dropped;
  }

  /// The cell, whose function is gone, may be used for another timer.
  void release(cell& c) noexcept {
    c.dropped = false;
    if (!std::exchange(c.unref, false)) --timers_;
    free_.push_back(&c);
  }

  using liveness = detail::liveness<ASYNCORE_DEBUG != 0>;
  const liveness& life() const noexcept { return life_; }

  /// While `c` acts, cancelling it only marks it.
  void set_acting(cell* c) noexcept { acting_ = c; }

  bool may_wait(Loop&) const noexcept { return due_.unlinked(); }

  /// What is due acts in its order; what is added meanwhile has its turn in the next one.
  void after_wait(Loop& loop) {
    if (due_.unlinked()) {
      if (wheel_.next() == never) return;
      const std::chrono::nanoseconds now = loop.now();
      if (wheel_.next() > now) return;
      wheel_.take(now, [&](node& n) { n.link_alone_before(due_); });
    }
    while (!due_.unlinked()) {
      node& n = static_cast<node&>(*due_.front());
      n.unlink();
      n.act(n, &loop);
    }
    loop.forget_time();
  }

  /// At once while something is due: an exception has left a turn before it acted.
  wake_time next() const noexcept {
    return due_.unlinked() ? wake_time::at(wheel_.next()) : wake_time::at_once();
  }

  /// Deadlines end with their channels: only timers are waited for.
  bool busy() const noexcept { return timers_ > 0; }

 private:
  static constexpr std::size_t chunk_size = 256;
  struct chunk {
    cell cells[chunk_size];
    chunk* behind;
  };

  /// A cell that stands last in `free_`.
  cell& free_cell() {
    if (free_.empty()) [[unlikely]]
      free_.push_back(fresh_cell());
    return *free_.back();
  }

  /// One that has never been used. `free_` has room for all that there are, so that giving one
  /// back does not throw.
  cell* fresh_cell() {
    if (fresh_ == 0) {
      if (free_.capacity() < made_ + chunk_size) free_.reserve(2 * made_ + chunk_size);
      auto* const added = static_cast<chunk*>(
          ::operator new(sizeof(chunk), std::align_val_t(alignof(chunk))));
      added->behind = chunks_;
      chunks_ = added;
      made_ += fresh_ = chunk_size;
    }
    return new (&chunks_->cells[chunk_size - fresh_--]) cell;
  }

  // Of the loop's end: channels keep their nodes, timers lose their functions.
  static void drop(node& n) noexcept {
    n.unlink();
    n.act(n, nullptr);
  }

  time_wheel<Loop> wheel_;
  list_node due_;
  std::vector<cell*> free_;  // an array, so that finding one reads none of them
  chunk* chunks_ = nullptr;
  std::size_t made_ = 0;   // cells in all chunks
  std::size_t fresh_ = 0;  // of those in the last chunk, the ones that have never been used
  cell* acting_ = nullptr;
  std::size_t timers_ = 0;
  [[no_unique_address]] liveness life_;
};

}  // namespace asyncore

#endif

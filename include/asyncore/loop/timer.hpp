// SPDX-License-Identifier: BSL-1.0
/// Functions that a loop calls later: `call_later`, `call_at`, `call_every`.
#ifndef ASYNCORE_LOOP_TIMER_HPP
#define ASYNCORE_LOOP_TIMER_HPP

#include <asyncore/loop.hpp>
#include <asyncore/time/timer_queue.hpp>

#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace asyncore {

/// Names a function that a loop is to call later. A copy names the same one; when the last one
/// ends, the function is called all the same. Used in the loop's thread, while the loop lives.
template <class Loop>
class timer {
 public:
  /// Names none.
  timer() noexcept = default;

  /// Has the function not be called any more, and destroys it; from inside of it, at its end.
  /// False when there is nothing to be called: it has been, or was cancelled. Constant time.
  bool cancel() noexcept { return names_one() && queue_->cancel(*cell_, generation_); }

  /// `run` does not go on for this one: it ends when there is nothing else to wait for.
  void unref() noexcept {
    if (names_one()) queue_->unref(*cell_, generation_);
  }

  /// True while the function is still to be called. A function that is called once is not pending
  /// while it runs.
  bool pending() const noexcept {
    return names_one() && queue_->pending(*cell_, generation_);
  }

 private:
  template <class, class>
  friend class basic_loop;
  using queue = timer_queue<channel_access::core_of<Loop>>;
  timer(queue& owner, typename queue::cell& cell) noexcept
      : queue_(&owner), cell_(&cell), generation_(cell.generation), life_(owner.life()) {}

  bool names_one() const noexcept {
    if (queue_ == nullptr) return false;
    life_.still_lives("asyncore: a timer is used after the end of its loop");
    return true;
  }

  queue* queue_ = nullptr;
  typename queue::cell* cell_ = nullptr;
  std::uint32_t generation_ = 0;
  [[no_unique_address]] typename queue::liveness::watch life_;
};

namespace detail {

/// How a function lies in the cell of its timer: there if it fits, else on the heap.
template <class F, class Cell>
struct kept_function {
  static constexpr bool fits = sizeof(F) <= sizeof(Cell::function) &&
                               alignof(F) <= alignof(void*) &&
                               std::is_nothrow_move_constructible_v<F>;

  template <class From>
  static void put(Cell& c, From&& f) {
    if constexpr (fits) {
      new (c.function) F(std::forward<From>(f));
    } else {
      new (c.function) F*(new F(std::forward<From>(f)));
    }
  }
  static F& in(Cell& c) noexcept {
    if constexpr (fits) {
      return *std::launder(reinterpret_cast<F*>(c.function));
    } else {
      return **std::launder(reinterpret_cast<F**>(c.function));
    }
  }
  /// The end of a function may cancel its own timer, which is none any more then.
  static void destroy(Cell& c) noexcept {
    ++c.generation;
    if constexpr (fits) {
      in(c).~F();
    } else {
      delete &in(c);
    }
  }
};

template <class F>
struct on_heap {
  ~on_heap() { delete function; }
  F* function;
};

/// The action of a function that is called once.
template <class F, class Loop>
void act_once(timed<Loop>& n, Loop* loop) {
  using cell = typename timer_queue<Loop>::cell;
  using kept = kept_function<F, cell>;
  cell& c = static_cast<cell&>(n);
  if (loop == nullptr) return kept::destroy(c);
  auto& queue = loop->template service<timer_queue<Loop>>();
  if constexpr (kept::fits) {
    // Out of the cell, which may be used again meanwhile.
    F f = std::move(kept::in(c));
    kept::destroy(c);
    queue.release(c);
    loop->run_callback("a timer", f);
  } else {
    const on_heap<F> f{&kept::in(c)};
    ++c.generation;
    queue.release(c);
    loop->run_callback("a timer", *f.function);
  }
}

/// A function and how often it is called.
template <class F>
struct periodic {
  F f;
  std::chrono::nanoseconds period;
};

/// The first time that is a number of periods after `last` and later than `now`.
constexpr std::chrono::nanoseconds next_period(std::chrono::nanoseconds last,
                                               std::chrono::nanoseconds period,
                                               std::chrono::nanoseconds now) noexcept {
  const auto missed = now < last ? 0 : (now - last) / period;
  return deadline_after(last + missed * period, period);
}

/// While a periodic function runs; at the end it waits again, unless it has been cancelled.
template <class F, class Loop>
struct acting_scope {
  using cell_type = typename timer_queue<Loop>::cell;
  using kept = kept_function<periodic<F>, cell_type>;

  acting_scope(Loop& l, timer_queue<Loop>& q, cell_type& c) noexcept
      : loop(l), queue(q), cell(c) {
    queue.set_acting(&cell);
  }
  acting_scope(const acting_scope&) = delete;
  acting_scope& operator=(const acting_scope&) = delete;
  ~acting_scope() {
    queue.set_acting(nullptr);
    if (cell.dropped) {
      kept::destroy(cell);
      queue.release(cell);
    } else {
      queue.arm(cell, next_period(cell.when, kept::in(cell).period, loop.now()), loop);
    }
  }
  Loop& loop;
  timer_queue<Loop>& queue;
  cell_type& cell;
};

/// The action of a function that is called again and again.
template <class F, class Loop>
void act_again(timed<Loop>& n, Loop* loop) {
  using cell_type = typename timer_queue<Loop>::cell;
  using kept = kept_function<periodic<F>, cell_type>;
  auto& cell = static_cast<cell_type&>(n);
  if (loop == nullptr) return kept::destroy(cell);
  const acting_scope<F, Loop> scope(*loop, loop->template service<timer_queue<Loop>>(), cell);
  loop->run_callback("a timer", kept::in(cell).f);
}

}  // namespace detail

template <class Poller, class Map>
template <class F>
timer<basic_loop<Poller, Map>> basic_loop<Poller, Map>::add_timer(std::chrono::nanoseconds when,
                                                                  F&& f) {
  using function = std::decay_t<F>;
  static_assert(std::is_invocable_v<function&>,
                "asyncore: a timer calls a function without arguments");
  auto& queue = this->template service<timer_queue<core_type>>();
  using cell = typename timer_queue<core_type>::cell;
  const auto put = [&](cell& c) {
    detail::kept_function<function, cell>::put(c, std::forward<F>(f));
  };
  return {queue, queue.add_timer(*this, when, &detail::act_once<function, core_type>, put)};
}

template <class Poller, class Map>
template <class Rep, class Period, class F>
timer<basic_loop<Poller, Map>> basic_loop<Poller, Map>::call_later(
    std::chrono::duration<Rep, Period> delay, F&& f) {
  return add_timer(detail::deadline_after(now(), detail::in_nanoseconds(delay)),
                   std::forward<F>(f));
}

template <class Poller, class Map>
template <class F>
timer<basic_loop<Poller, Map>> basic_loop<Poller, Map>::call_at(std::chrono::nanoseconds when,
                                                                F&& f) {
  return add_timer(when, std::forward<F>(f));
}
template <class Poller, class Map>
template <class F>
timer<basic_loop<Poller, Map>> basic_loop<Poller, Map>::call_at(
    std::chrono::steady_clock::time_point when, F&& f) {
  return add_timer(when.time_since_epoch(), std::forward<F>(f));
}

template <class Poller, class Map>
template <class Rep, class Period, class F>
timer<basic_loop<Poller, Map>> basic_loop<Poller, Map>::call_every(
    std::chrono::duration<Rep, Period> period, F&& f) {
  using kept = detail::periodic<std::decay_t<F>>;
  static_assert(std::is_invocable_v<std::decay_t<F>&>,
                "asyncore: a timer calls a function without arguments");
  constexpr std::chrono::nanoseconds shortest(1);
  const std::chrono::nanoseconds asked = detail::in_nanoseconds(period);
  const std::chrono::nanoseconds every = asked < shortest ? shortest : asked;
  auto& queue = this->template service<timer_queue<core_type>>();
  using cell = typename timer_queue<core_type>::cell;
  return {queue,
          queue.add_timer(*this, detail::deadline_after(now(), every),
                          &detail::act_again<std::decay_t<F>, core_type>, [&](cell& c) {
                            detail::kept_function<kept, cell>::put(
                                c, kept{std::forward<F>(f), every});
                          })};
}

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// The turn of a loop, and what makes turns: `run`, `poll` and `drain`.
#ifndef ASYNCORE_LOOP_TURN_HPP
#define ASYNCORE_LOOP_TURN_HPP

#include <asyncore/concept/poller.hpp>
#include <asyncore/loop/core.hpp>
#include <asyncore/loop/dispatch.hpp>
#include <asyncore/loop/drain_service.hpp>
#include <asyncore/word/config.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/run_options.hpp>
#include <asyncore/word/timeout.hpp>

#include <cerrno>
#include <cstdint>
#include <limits>

namespace asyncore::detail {

/// The private base of `basic_loop`.
template <class Poller, class Map>
class ASYNCORE_BUILD_TAG loop_turn : public loop_core<Poller, Map> {
  using core = loop_core<Poller, Map>;
  using typename core::channels;
  using typename core::record;
  using dispatching = dispatch<core, channels>;

 public:
  using core::core;

  void run(run_options options);
  void poll(timeout_type timeout);
  void drain(std::chrono::nanoseconds end);
  void readwrite(const record& channel, readiness ready) {
    const typename core::hooks_scope hooks(*this);
    if (channel.registered()) dispatching::each(*this, channel.id(), ready);
  }

 private:
  class turn_scope;

  void begin();
  void flush();
  void flush_all();
  void turns(timeout_type timeout, std::uint64_t count, bool may_end);
  bool turn(timeout_type timeout);
  timeout_type limit(timeout_type timeout);
  timeout_type wait_again(timeout_type timeout, std::chrono::nanoseconds& deadline);
  void check_wait(int n);
  void run_services();
  void refuse_in_hook() const;
  [[noreturn]] static void refuse(const char* why);
};

/// Marks the turn, and destroys what closed in it on every way out.
template <class Poller, class Map>
class loop_turn<Poller, Map>::turn_scope {
 public:
  explicit turn_scope(loop_turn& loop) noexcept : loop_(loop) {
    loop_.in_turn_ = true;
    loop_.usage_.enter();
  }
  turn_scope(const turn_scope&) = delete;
  turn_scope& operator=(const turn_scope&) = delete;
  ~turn_scope() {
    if (loop_.registry_.any_closed()) [[unlikely]]
      loop_.reap();
    loop_.in_turn_ = false;
    loop_.usage_.leave();
  }

 private:
  loop_turn& loop_;
};

template <class Poller, class Map>
void loop_turn<Poller, Map>::run(run_options options) {
  refuse_in_hook();
  begin();
  constexpr auto endless = std::numeric_limits<std::uint64_t>::max();
  if (options.count != 0u) turns(options.timeout, options.count.value_or(endless), true);
  flush();
  if (this->stops()) this->bell_.forget_stop();
}

template <class Poller, class Map>
void loop_turn<Poller, Map>::poll(timeout_type timeout) {
  refuse_in_hook();
  if (this->empty() && this->idle()) return flush();
  begin();
  turns(timeout, 1, false);
  flush();
  if constexpr (requires { this->poller_.native_handle(); }) this->bell_.watch_from_outside();
}

/// `count` turns; with `may_end` fewer, when there is nothing left to wait for or after a stop. The
/// turn is part of this function, so that its frame is made once.
template <class Poller, class Map>
[[gnu::noinline]] void loop_turn<Poller, Map>::turns(timeout_type timeout, std::uint64_t count,
                                                     bool may_end) {
  timeout_type left = timeout;
  std::chrono::nanoseconds deadline{0};
  while (!may_end || (!this->idle() && !this->stops())) {
    if (turn(left)) [[likely]] {
      if (--count == 0) return;
      left = timeout;
      deadline = {};
    } else {
      if (this->stops()) return;
      left = wait_again(timeout, deadline);
    }
  }
}

/// One wait and its dispatches. Returns false when a signal ended the wait, or something that
/// nobody wants.
template <class Poller, class Map>
[[gnu::always_inline]] inline bool loop_turn<Poller, Map>::turn(timeout_type timeout) {
  const turn_scope scope(*this);
  this->interests_.update(*this);
  const int n = this->poller_.wait(limit(timeout), typename dispatching::sink{*this});
  if (n < 0) [[unlikely]]
    check_wait(n);
  if (this->schedule_.waits()) [[unlikely]]
    run_services();
  if (n > this->interests_.reports_ignored()) [[likely]]
    return true;
  return n == 0;
}

/// The wait ends in time for what the loop itself waits for. None lasts while a channel that has
/// closed is still to be told so: its last hook may end others.
template <class Poller, class Map>
timeout_type loop_turn<Poller, Map>::limit(timeout_type timeout) {
  if (this->interests_.any_changed() || this->registry_.any_closed()) [[unlikely]]
    return std::chrono::nanoseconds(0);
  if (!this->schedule_.waits()) [[likely]]
    return timeout;
  return this->schedule_.limit(*this, timeout);
}

/// A signal ended the wait, or the poller has failed.
template <class Poller, class Map>
ASYNCORE_COLD void loop_turn<Poller, Map>::check_wait(int n) {
  if (n != -EINTR) throw_error(errno_code(-n), Poller::name);
}

/// After the wait of a loop that waits for something itself.
template <class Poller, class Map>
ASYNCORE_COLD void loop_turn<Poller, Map>::run_services() {
  this->forget_time();
  const auto& throttle = this->throttle_;
  if (throttle.retry().has_time() && throttle.retry().has_come(this->now()))
    this->resume_throttled();
  this->schedule_.run_services(*this, [&] { return throttle.retry(); });
}

/// Gives the rest of a wait that a signal or an unwanted report cut short. The start was not timed,
/// because that costs a clock read a turn; a turn therefore lasts at most twice `timeout`, however
/// many signals come. `deadline`: of this turn, 0 until it is known.
template <class Poller, class Map>
ASYNCORE_COLD timeout_type loop_turn<Poller, Map>::wait_again(timeout_type timeout,
                                                              std::chrono::nanoseconds& deadline) {
  if (!timeout || timeout->count() <= 0) return timeout;
  const std::chrono::nanoseconds time = this->system().now();
  if (deadline.count() == 0) deadline = deadline_after(time, *timeout);
  return deadline - time;
}

/// What `run` and `poll` begin with.
template <class Poller, class Map>
inline void loop_turn<Poller, Map>::begin() {
  if (this->elsewhere()) [[unlikely]]
    refuse("a loop cannot run in a process that was forked after it was made");
  this->forget_time();
  this->errors_.reset();
  this->bell_.open(*this, this->schedule_, this->add_waker());
}

/// What hooks have put off is done when the caller goes on: there may be no next wait.
template <class Poller, class Map>
inline void loop_turn<Poller, Map>::flush() {
  if (this->interests_.any_changed() || this->registry_.any_closed()) [[unlikely]]
    flush_all();
}

template <class Poller, class Map>
ASYNCORE_NOINLINE void loop_turn<Poller, Map>::flush_all() {
  const turn_scope scope(*this);
  this->interests_.flush(*this);
  constexpr int most_passes = 8;  // last hooks may put off something, too
  for (int pass = 0; this->registry_.any_closed() && pass < most_passes; ++pass) {
    this->reap();
    this->interests_.flush(*this);
  }
}

/// Tells every channel to finish, once; called again it only moves the end.
template <class Poller, class Map>
void loop_turn<Poller, Map>::drain(std::chrono::nanoseconds end) {
  if (!this->template service<drain_service<core>>().start(*this, end)) return;
  this->ask_again();
  this->visit_all([&](record& r) {
    this->update_interest(r);
    dispatching::template perform<op::drain>(*this, r);
  });
}

template <class Poller, class Map>
inline void loop_turn<Poller, Map>::refuse_in_hook() const {
  if (this->in_turn_ || this->hooks_ > 0) [[unlikely]]
    refuse("a loop cannot be polled from one of its own hooks");
}

template <class Poller, class Map>
[[noreturn]] ASYNCORE_COLD void loop_turn<Poller, Map>::refuse(const char* why) {
  throw_error(std::make_error_code(std::errc::operation_not_permitted), why);
}

}  // namespace asyncore::detail

#endif

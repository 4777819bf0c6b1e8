// SPDX-License-Identifier: BSL-1.0
/// The turn of `loop_core`: from the wait to the hooks. Included by core.hpp.
#ifndef ASYNCORE_LOOP_TURN_HPP
#define ASYNCORE_LOOP_TURN_HPP

#include <asyncore/loop/core.hpp>

#include <limits>

namespace asyncore::detail {

/// Marks the turn, and ends it on every way out.
template <class Poller, class Map>
struct loop_core<Poller, Map>::turn_scope {
  explicit turn_scope(loop_core& loop) noexcept : loop_(loop) {
    loop_.in_turn_ = true;
    loop_.usage_.enter();
  }
  turn_scope(const turn_scope&) = delete;
  turn_scope& operator=(const turn_scope&) = delete;
  ~turn_scope() {
    if (!loop_.closed_.unlinked()) [[unlikely]]
      loop_.reap();
    loop_.in_turn_ = false;
    loop_.usage_.leave();
  }
  loop_core& loop_;
};

template <class Poller, class Map>
struct loop_core<Poller, Map>::hooks_scope {
  explicit hooks_scope(loop_core& loop) noexcept : loop_(loop) { ++loop_.hooks_; }
  hooks_scope(const hooks_scope&) = delete;
  hooks_scope& operator=(const hooks_scope&) = delete;
  ~hooks_scope() { --loop_.hooks_; }
  loop_core& loop_;
};

/// What the poller reports to; part of its `wait` in the compiled code.
template <class Poller, class Map>
struct loop_core<Poller, Map>::turn_sink {
  [[gnu::always_inline]] void operator()(token t, readiness ready) const {
    loop_.dispatch(t, ready);
  }
  /// So few channels stay in the cache anyway.
  bool looks_ahead() const noexcept
    requires requires(const Map& m, token t) { m.fetch(t); }
  {
    return loop_.map_.size() > 100;
  }
  [[gnu::always_inline]] void expect(token t) const noexcept
    requires requires(const Map& m) { m.fetch(t); }
  {
    loop_.map_.fetch(t);
  }
  loop_core& loop_;
};

template <class Poller, class Map>
void loop_core<Poller, Map>::run(run_options options) {
  refuse_in_hook();
  begin();
  constexpr auto endless = std::numeric_limits<std::uint64_t>::max();
  if (options.count != 0u) turns(options.timeout, options.count.value_or(endless), true);
  flush();
  if (stops()) bell_.forget_stop();
}

template <class Poller, class Map>
void loop_core<Poller, Map>::poll(timeout_type timeout) {
  refuse_in_hook();
  if (empty() && idle()) return flush();
  begin();
  turns(timeout, 1, false);
  flush();
  if constexpr (requires { poller_.native_handle(); }) bell_.watch_from_outside();
}

/// `count` turns; with `may_end` fewer, when there is nothing left to wait for or after a stop. The
/// turn is part of this function, so that its frame is made once.
template <class Poller, class Map>
[[gnu::noinline]] void loop_core<Poller, Map>::turns(timeout_type timeout, std::uint64_t count,
                                                     bool may_end) {
  timeout_type left = timeout;
  std::chrono::nanoseconds deadline{0};
  while (!may_end || (!idle() && !stops())) {
    if (turn(left)) [[likely]] {
      if (--count == 0) return;
      left = timeout;
      deadline = {};
    } else {
      if (stops()) return;
      left = wait_again(timeout, deadline);
    }
  }
}

/// What `run` and `poll` begin with.
template <class Poller, class Map>
inline void loop_core<Poller, Map>::begin() {
  if (elsewhere()) [[unlikely]]
    refuse("a loop cannot run in a process that was forked after it was made");
  forget_time();
  in_handle_error_ = false;  // an exception may have left the last turn
  bell_.open(*this, schedule_, add_waker());
}

/// Has the poller watch the bell; gives the generation of its token, or 0 and why not.
template <class Poller, class Map>
auto loop_core<Poller, Map>::add_waker() noexcept {
  return [this](int fd, std::error_code& failed) -> std::uint32_t {
    if constexpr (requires { map_.cover(0); }) map_.cover(fd);
    if (++last_generation_ == 0) ++last_generation_;
    failed = poller_.add({fd, last_generation_}, interest::read);
    return failed ? 0 : last_generation_;
  };
}

template <class Poller, class Map>
inline void loop_core<Poller, Map>::refuse_in_hook() const {
  if (in_turn_ || hooks_ > 0) [[unlikely]]
    refuse("a loop cannot be polled from one of its own hooks");
}

template <class Poller, class Map>
[[noreturn]] ASYNCORE_COLD void loop_core<Poller, Map>::refuse(const char* why) {
  throw_error(std::make_error_code(std::errc::operation_not_permitted), why);
}

/// What hooks have put off is done when the caller goes on: there may be no next wait.
template <class Poller, class Map>
inline void loop_core<Poller, Map>::flush() {
  if (!changed_.unlinked() || !closed_.unlinked()) [[unlikely]]
    flush_all();
}

template <class Poller, class Map>
ASYNCORE_NOINLINE void loop_core<Poller, Map>::flush_all() {
  const turn_scope scope(*this);
  if (!changed_.unlinked()) visit_changed(true);
  constexpr int most_passes = 8;  // last hooks may put off something, too
  for (int pass = 0; !closed_.unlinked() && pass < most_passes; ++pass) {
    reap();
    visit_changed(true);
  }
}

/// Gives the rest of a wait that a signal or an unwanted report cut short. The start was not timed,
/// because that costs a clock read a turn; a turn therefore lasts at most twice `timeout`, however
/// many signals come. `deadline`: of this turn, 0 until it is known.
template <class Poller, class Map>
ASYNCORE_COLD timeout_type loop_core<Poller, Map>::wait_again(timeout_type timeout,
                                                              std::chrono::nanoseconds& deadline) {
  if (!timeout || timeout->count() <= 0) return timeout;
  const std::chrono::nanoseconds time = system().now();
  if (deadline.count() == 0) deadline = deadline_after(time, *timeout);
  return deadline - time;
}

/// One wait and its dispatches. Returns false when a signal ended the wait, or something that
/// nobody wants.
template <class Poller, class Map>
[[gnu::always_inline]] inline bool loop_core<Poller, Map>::turn(timeout_type timeout) {
  const turn_scope scope(*this);
  before_wait();
  unwanted_ = 0;
  const int n = poller_.wait(limit(timeout), turn_sink{*this});
  if (n < 0) [[unlikely]]
    check_wait(n);
  if (schedule_.waits()) [[unlikely]]
    run_services();
  if (n > unwanted_) [[likely]]
    return true;
  return n == 0;
}

/// A signal ended the wait, or the poller has failed.
template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::check_wait(int n) {
  if (n != -EINTR) throw_error(errno_code(-n), Poller::name);
}

/// The wait ends in time for what the loop itself waits for. None lasts while a channel that has
/// closed is still to be told so: its last hook may end others.
template <class Poller, class Map>
timeout_type loop_core<Poller, Map>::limit(timeout_type timeout) {
  if (!changed_.unlinked() || !closed_.unlinked()) [[unlikely]]
    return std::chrono::nanoseconds(0);
  if (!schedule_.waits()) [[likely]]
    return timeout;
  return schedule_.limit(*this, timeout);
}

/// After the wait of a loop that waits for something itself.
template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::run_services() {
  forget_time();
  if (throttle_.retry().has_time() && throttle_.retry().has_come(now())) resume_throttled();
  schedule_.run_services(*this, [&] { return throttle_.retry(); });
}

template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::resume_later(token listener,
                                                         bool for_a_while) noexcept {
  throttle_.add(listener, for_a_while ? wake_time::at(system().now() + exhaustion_pause)
                                      : wake_time::each_turn());
  wake_by(throttle_.retry());
}

template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::resume_throttled() noexcept {
  const auto resume = [](record& r) { channels::template perform<op::resume>(r); };
  throttle_.resume(
      [&](token listener) {
        if (record* const r = find(listener)) resume(*r);
      },
      [&] { map_.for_each(resume); });
}

template <class Poller, class Map>
[[gnu::noinline]] std::chrono::nanoseconds loop_core<Poller, Map>::read_clock() noexcept {
  return system().now();
}

/// Tells every channel to finish, once; called again it only moves the end.
template <class Poller, class Map>
void loop_core<Poller, Map>::drain(std::chrono::nanoseconds end) {
  if (!service<drain_service<loop_core>>().start(*this, end)) return;
  ask_again_ = true;
  const hooks_scope hooks(*this);
  restore_scope scope(*this);
  map_.for_each([&](record& r) { r.link_before(scope.left_); });
  while (!scope.left_.unlinked()) {
    record& r = scope.next();
    const token id = r.id();
    visit_before_wait(r);
    guarded([&] { channels::template perform<op::drain>(r); }, [&] { hook_failed(id); });
  }
  if (!in_turn_) reap();
}

template <class Poller, class Map>
void loop_core<Poller, Map>::readwrite(const record& channel, readiness ready) {
  const hooks_scope hooks(*this);
  if (channel.registered()) dispatch_each(channel.id(), ready);
}

template <class Poller, class Map>
inline std::chrono::nanoseconds loop_core<Poller, Map>::now() noexcept {
  if (!in_turn_) return read_clock();
  return schedule_.time([&] { return read_clock(); });
}

template <class Poller, class Map>
template <class F>
void loop_core<Poller, Map>::call_guarded(const char* of, F&& f) {
  guarded([&] { observe<void>(*this, of, f); }, [&] { function_failed(of); });
}

template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::forget(token id) noexcept {
  schedule_.each([&](auto& s) { s.of->forget(s, *this, id); });
}

template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::function_failed([[maybe_unused]] const char* of) {
#if ASYNCORE_HAS_EXCEPTIONS
  if (std::exchange(in_handle_error_, false)) throw;
  log_if_memory([&] {
    log(joined({"error: uncaught exception from ", of, ": ",
                        current_error_text({})}));
  });
#endif
}

/// The hot path: a channel that is only readable.
template <class Poller, class Map>
[[gnu::always_inline]] inline void loop_core<Poller, Map>::dispatch(token t, readiness ready) {
  if (ready != readiness::read) [[unlikely]] {
    dispatch_each(t, ready);
    return;
  }
  if (record* const r = map_.find(t); r != nullptr) [[likely]] {
    r->id_ = t;  // as it is; so that hooks do not wait until memory says so
    if (t.generation == 0) __builtin_unreachable();  // nor ask whether they are in a loop
    guarded([&]() ASYNCORE_INLINE { channels::template perform<op::read>(*r); },
                    [&] { hook_failed(t); });
  } else {
    bell_.answer(schedule_);
  }
}

/// One readiness bit at a time, the token looked up before each (law 2).
template <class Poller, class Map>
[[gnu::noinline]] void loop_core<Poller, Map>::dispatch_each(token t, readiness ready) {
  if (any_pause() && any(ready, readiness::read)) arm_paused(t);
  if (any(ready, readiness::read)) deliver<op::read>(t, interest::read);
  if (any(ready, readiness::write)) deliver<op::write>(t, interest::write);
  if (any(ready, readiness::expt)) deliver<op::expt>(t, interest::expt);
  if (any(ready, readiness::error | readiness::hangup)) hang_up(t, ready);
}

template <class Poller, class Map>
template <class Op>
void loop_core<Poller, Map>::deliver(token t, interest wanted) {
  record* const r = map_.find(t);
  if (r != nullptr && any(r->armed_, wanted)) perform_guarded<Op>(*r);
}

template <class Poller, class Map>
template <class Op>
void loop_core<Poller, Map>::perform_guarded(record& r) {
  const token id = r.id();
  guarded([&] { channels::template perform<Op>(r); }, [&] { hook_failed(id); });
}

/// A hook threw. A `std::system_error` is no exception to that, whatever its code: the channel's own
/// calls report the peer's end by `handle_close` and throw nothing, so that one which is thrown is
/// of another descriptor.
template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::hook_failed([[maybe_unused]] token t) {
#if ASYNCORE_HAS_EXCEPTIONS
  ask_again_ = true;
  // What leaves `handle_error` is nobody's but the caller's of `run`.
  if (std::exchange(in_handle_error_, false)) throw;
  last_error_ = {};
  try {
    throw;
  } catch (const std::system_error& e) {
    last_error_ = e.code();
  } catch (...) {
  }
  if (record* const r = find(t)) return call_handle_error(*r);
  log_if_memory([&] {
    log(joined({"error: uncaught exception from a channel that has closed: ",
                        current_error_text(last_error_)}));
  });
#endif
}

/// While `handle_error` runs, its error is the reason of an end; not of one that follows later.
template <class Poller, class Map>
struct loop_core<Poller, Map>::reason_scope {
  reason_scope(loop_core& loop, record& r, std::error_code why) noexcept
      : loop_(loop), id_(r.id()), before_(r.reason_) {
    r.note_reason(errno_of(why));
  }
  reason_scope(const reason_scope&) = delete;
  reason_scope& operator=(const reason_scope&) = delete;
  ~reason_scope() {
    if (id_.generation == 0) return;
    if (record* const r = loop_.map_.find(id_)) r->reason_ = before_ & 0xfff;
  }
  loop_core& loop_;
  const token id_;
  const std::uint16_t before_;
};

/// What leaves `handle_error` leaves `run`, through the hooks that are under way; but for a want of
/// memory, which must not end the loop for everybody.
template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::call_handle_error(record& r) {
  const reason_scope scope(*this, r, last_error_);
#if ASYNCORE_HAS_EXCEPTIONS
  const token id = r.id();
  in_handle_error_ = in_turn_;
  try {
    channels::template perform<op::error>(r);
  } catch (const exit_now&) {  // which no `hook_failed` sees
    in_handle_error_ = false;
    throw;
  } catch (const std::bad_alloc&) {
    log("error: there is no memory for handle_error");
    if (record* const left = find(id)) channels::template perform<op::give_up>(*left);
  }
  in_handle_error_ = false;
#else
  channels::template perform<op::error>(r);
#endif
}

template <class Poller, class Map>
template <class F>
void loop_core<Poller, Map>::call_guarded(token of, F&& f) {
  guarded(f, [&] { hook_failed(of); });
}

template <class Poller, class Map>
template <class Channel, class F>
void loop_core<Poller, Map>::call_hook(Channel& c, const char* name, F&& f) {
  const token id = as_kind(c).id();
  ask_again_ = true;
  guarded([&] { observe<Channel>(*this, name, f); }, [&] { hook_failed(id); });
  visit_before_wait(id);
}

template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::report_error(record& r, std::error_code code,
                                                         [[maybe_unused]] std::string_view what) {
  ask_again_ = true;
  last_error_ = code;
#if ASYNCORE_HAS_EXCEPTIONS
  try {
    throw std::system_error(code, std::string(what));
  } catch (const std::system_error&) {
    call_handle_error(r);
  }
#else
  call_handle_error(r);
#endif
}

}  // namespace asyncore::detail

#endif

// SPDX-License-Identifier: BSL-1.0
/// The turn of `basic_loop`: from the wait to the hooks. Included by loop.hpp.
#ifndef ASYNCORE_IMPL_LOOP_TURN_HPP
#define ASYNCORE_IMPL_LOOP_TURN_HPP

#include <asyncore/loop.hpp>

namespace asyncore {

/// Marks the turn, and ends it on every way out.
template <class Poller, class Map>
struct basic_loop<Poller, Map>::turn_scope {
  explicit turn_scope(basic_loop& loop) noexcept : loop_(loop) { loop_.in_turn_ = true; }
  turn_scope(const turn_scope&) = delete;
  turn_scope& operator=(const turn_scope&) = delete;
  ~turn_scope() {
    loop_.reap();
    loop_.in_turn_ = false;
  }
  basic_loop& loop_;
};

/// What the poller reports to; part of its `wait` in the compiled code.
template <class Poller, class Map>
struct basic_loop<Poller, Map>::turn_sink {
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
  basic_loop& loop_;
};

template <class Poller, class Map>
void basic_loop<Poller, Map>::run(run_options options) {
  refuse_in_hook();
  std::uint64_t left = options.count.value_or(1);
  begin();
  while (left > 0 && !idle() && !stopping_.raised()) {
    if (!turn(options.timeout)) finish_turn(options.timeout);
    if (options.count) --left;
  }
  flush();
  if (!stopping_.raised()) return;
  stopping_.lower();
  waker_.drain();
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::stop() noexcept {
  (void)detail::waker_wanted<basic_loop>::yes;
  stopping_.raise();
  waker_.wake();
}

/// What other threads need is there before the first wait.
template <class Poller, class Map>
void basic_loop<Poller, Map>::begin() {
  now_ = {};
  if (opens_waker && waker_generation_ == 0) open_waker();
  if (attach_posts == nullptr) return;
  attach_posts(*this);
  wake_by(detail::every_turn);
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::poll(timeout_type timeout) {
  refuse_in_hook();
  if (empty() && idle()) return reap();
  begin();
  const bool timed = timeout && timeout->count() > 0;
  const auto deadline = timed ? detail::deadline_after(system().now(), *timeout)
                              : std::chrono::nanoseconds(0);
  while (!turn(timeout) && !stopping_.raised())
    if (timed) timeout = deadline - system().now();
  flush();
  // Who waits for `native_handle()` until the next one hears of posts by the waker.
  if constexpr (requires { poller_.native_handle(); })
    if (waker_generation_ != 0 && !box_.fall_asleep()) waker_.wake();
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::refuse_in_hook() const {
  if (in_turn_) [[unlikely]]
    detail::throw_error(std::make_error_code(std::errc::operation_not_permitted),
                        "a loop cannot be polled from one of its own hooks");
}

/// What hooks have put off is done when the caller goes on: there may be no next wait.
template <class Poller, class Map>
void basic_loop<Poller, Map>::flush() {
  const turn_scope scope(*this);
  if (!changed_.unlinked()) visit_changed(true);
}

/// The rest of a turn whose wait has ended for nothing. When it began nobody asked what time it
/// was, so that it may take up to twice its time, but not longer, however many signals come.
template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::finish_turn(timeout_type timeout) {
  if (!stopping_.raised() && !idle()) poll(timeout);
}

/// One wait and its dispatches. Returns false when a signal ended the wait, or something that
/// nobody wants.
template <class Poller, class Map>
bool basic_loop<Poller, Map>::turn(timeout_type timeout) {
  const turn_scope scope(*this);
  before_wait();
  unwanted_ = 0;
  const int n = poller_.wait(shortened(timeout), turn_sink{*this});
  if (n < 0 && n != -EINTR) detail::throw_error(errno_code(-n), Poller::name);
  if (wake_at_.count() != 0) [[unlikely]]
    woken();
  return n != -EINTR && (n == 0 || n != unwanted_);
}

/// No wait is longer than until what the loop itself waits for.
template <class Poller, class Map>
timeout_type basic_loop<Poller, Map>::shortened(timeout_type timeout) {
  if (!changed_.unlinked()) [[unlikely]]
    return std::chrono::nanoseconds(0);
  if (wake_at_.count() == 0) [[likely]]
    return timeout;
  return until_wake(timeout);
}

/// Cold, as is what follows: out of the way of loops that wait for nothing themselves.
template <class Poller, class Map>
ASYNCORE_COLD timeout_type basic_loop<Poller, Map>::until_wake(timeout_type timeout) {
  bool wait = true;
  for (auto* s = services_; s != nullptr; s = s->behind) wait &= s->of->may_wait(*s, *this);
  if (wait && wake_at_ >= detail::every_turn) {
    now_ = {};
    return timeout;
  }
  const std::chrono::nanoseconds left = wait ? wake_at_ - now() : std::chrono::nanoseconds(0);
  now_ = {};
  return timeout && *timeout < left ? *timeout : left;
}

/// After the wait of a loop that waits for something itself.
template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::woken() {
  now_ = {};
  if (resume_at_.count() != 0 && resume_at_ < detail::every_turn && resume_at_ <= now())
    resume_starved();
  detail::cleaning_up(
      [&] {
        for (auto* s = services_; s != nullptr; s = s->behind) s->of->after_wait(*s, *this);
      },
      [&] { set_wake(); });
  set_wake();
}

template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::resume_later(token listener,
                                                         bool for_a_while) noexcept {
  constexpr unsigned most = std::extent_v<decltype(starved_)>;
  if (starving_ < most) starved_[starving_] = listener;
  if (starving_ <= most) ++starving_;
  const auto when = for_a_while ? system().now() + exhaustion_pause : detail::every_turn;
  if (resume_at_.count() == 0 || when < resume_at_) resume_at_ = when;
  wake_by(resume_at_);
}

template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::resume_starved() noexcept {
  const auto resume = [](record& r) { channels::template perform<detail::op::resume>(r); };
  resume_at_ = {};
  const unsigned count = std::exchange(starving_, 0u);
  if (count > std::extent_v<decltype(starved_)>) return map_.for_each(resume);
  for (unsigned i = 0; i < count; ++i)
    if (record* const r = map_.find(starved_[i])) resume(*r);
}

template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::set_wake() noexcept {
  wake_at_ = resume_at_;
  for (auto* s = services_; s != nullptr; s = s->behind)
    if (const auto next = s->of->next(*s); next != never) wake_by(next);
}

template <class Poller, class Map>
[[gnu::noinline]] std::chrono::nanoseconds basic_loop<Poller, Map>::read_clock() noexcept {
  const std::chrono::nanoseconds time = system().now();
  // Without something to wait for, nobody would forget it at the next wait.
  if (in_turn_ && wake_at_.count() != 0) now_ = time;
  return time;
}

template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::function_failed([[maybe_unused]] const char* of) {
#if ASYNCORE_HAS_EXCEPTIONS
  if (std::exchange(in_handle_error_, false)) throw;
  log(detail::joined({"error: uncaught exception from ", of, ": ",
                      detail::current_error_text({})}));
#endif
}

/// The hot path: a channel that is only readable.
template <class Poller, class Map>
[[gnu::always_inline]] inline void basic_loop<Poller, Map>::dispatch(token t, readiness ready) {
  if (ready != readiness::read) [[unlikely]] {
    dispatch_each(t, ready);
    return;
  }
  if (record* const r = map_.find(t); r != nullptr) [[likely]] {
    r->id_ = t;  // as it is; so that hooks do not wait until memory says so
    detail::guarded([&]() ASYNCORE_INLINE { channels::template perform<detail::op::read>(*r); },
                    [&] { hook_failed(t); });
  } else {
    unwatched();
  }
}

/// Nobody's: it is stale (law 1), or the waker's.
template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::unwatched() noexcept {
  waker_.drain();
}

/// Without one, as when no descriptor is free, others are heard in the turn after the next event,
/// and the next `run` tries again.
template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::open_waker() {
  if (waker_.native_handle() < 0 && waker_.open() < 0) return;
  if (waker_.native_handle() < 0) return;
  if constexpr (requires { map_.cover(0); }) map_.cover(waker_.native_handle());
  if (++last_generation_ == 0) ++last_generation_;
  if (poller_.add({waker_.native_handle(), last_generation_}, interest::read)) return;
  waker_generation_ = last_generation_;
}

/// One readiness bit at a time, the token looked up before each (law 2).
template <class Poller, class Map>
[[gnu::noinline]] void basic_loop<Poller, Map>::dispatch_each(token t, readiness ready) {
  if (any_pause() && any(ready, readiness::read)) arm_paused(t);
  if (any(ready, readiness::read)) deliver<detail::op::read>(t, interest::read);
  if (any(ready, readiness::write)) deliver<detail::op::write>(t, interest::write);
  if (any(ready, readiness::expt)) deliver<detail::op::expt>(t, interest::expt);
  if (any(ready, readiness::error | readiness::hangup)) hang_up(t, ready);
}

template <class Poller, class Map>
template <class Op>
void basic_loop<Poller, Map>::deliver(token t, interest wanted) {
  record* const r = map_.find(t);
  if (r != nullptr && any(r->armed_, wanted)) guarded<Op>(*r);
}

template <class Poller, class Map>
template <class Op>
void basic_loop<Poller, Map>::guarded(record& r) {
  const token id = r.id();
  detail::guarded([&] { channels::template perform<Op>(r); }, [&] { hook_failed(id); });
}

/// A hook threw. An error that says the peer is gone counts as its close, as in Python.
template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::hook_failed([[maybe_unused]] token t) {
#if ASYNCORE_HAS_EXCEPTIONS
  ask_again_ = true;
  // What leaves `handle_error` is nobody's but the caller's of `run`.
  if (std::exchange(in_handle_error_, false)) throw;
  bool disconnected = false;
  last_error_ = {};
  try {
    throw;
  } catch (const std::system_error& e) {
    last_error_ = e.code();
    disconnected = e.code().category() == std::system_category() && is_disconnect(e.code().value());
  } catch (...) {
  }
  record* const r = map_.find(t);
  if (r == nullptr) {
    log(detail::joined({"error: uncaught exception from a channel that has closed: ",
                        detail::current_error_text(last_error_)}));
  } else if (disconnected) {
    channels::template perform<detail::op::disconnect>(*r);
  } else {
    channels::template perform<detail::op::error>(*r);
  }
#endif
}

template <class Poller, class Map>
template <class Channel, class F>
void basic_loop<Poller, Map>::call_hook(Channel& c, const char* name, F&& f) {
  const token id = c.id();
  ask_again_ = true;
  detail::guarded([&] { detail::observe<Channel>(*this, name, f); }, [&] { hook_failed(id); });
  visit_before_wait(id);
}

template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::report_error(record& r, std::error_code code,
                                                         [[maybe_unused]] std::string_view what) {
  ask_again_ = true;
  last_error_ = code;
#if ASYNCORE_HAS_EXCEPTIONS
  try {
    throw std::system_error(code, std::string(what));
  } catch (const std::system_error&) {
    in_handle_error_ = in_turn_;
    try {
      channels::template perform<detail::op::error>(r);
    } catch (const exit_now&) {  // which no `hook_failed` sees
      in_handle_error_ = false;
      throw;
    }
    in_handle_error_ = false;
  }
#else
  channels::template perform<detail::op::error>(r);
#endif
}

/// Both directions are over, or an error is pending. What has not been read goes first (law 3),
/// and the kernel, which would report this again for ever, is not asked again (law 4).
template <class Poller, class Map>
void basic_loop<Poller, Map>::hang_up(token t, readiness ready) {
  record* r = map_.find(t);
  if (r == nullptr) return;
  if (any(r->armed_, interest::read)) {
    // The read that finds the end, or the error, reports it.
    if (any(ready, readiness::read)) return;
    if (!any(ready, readiness::hangup)) return deliver<detail::op::read>(t, interest::read);
  } else if (channels::template perform<detail::op::may_read>(*r) && system().unread(t.fd) > 0) {
    // Paused: reported again when it reads again. What it was armed for stays, or the next visit
    // would arm it again, to be woken by the hangup.
    const interest armed = r->armed_;
    stop_polling(*r);
    r->armed_ = armed;
    return;
  }
  guarded<detail::op::hangup>(*r);
  r = map_.find(t);
  if (r == nullptr) return;
  stop_polling(*r);
  r->hung_up_ = true;
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::stop_polling(record& r) noexcept {
  if (r.polled_) poller_.remove(r.id_);
  r.polled_ = r.paused_ = false;
  r.armed_ = interest::none;
}

}  // namespace asyncore

#endif

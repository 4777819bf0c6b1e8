// SPDX-License-Identifier: BSL-1.0
/// The turn of `basic_loop`: from the wait to the hooks. Included by loop.hpp.
#ifndef ASYNCORE_IMPL_LOOP_TURN_HPP
#define ASYNCORE_IMPL_LOOP_TURN_HPP

#include <asyncore/loop.hpp>

#include <vector>

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
  basic_loop& loop_;
};

template <class Poller, class Map>
void basic_loop<Poller, Map>::run(run_options options) {
  refuse_in_hook();
  std::uint64_t left = options.count.value_or(1);
  while (left > 0 && !empty() && !stopping_.raised()) {
    if (!turn(options.timeout)) finish_turn(options.timeout);
    if (options.count) --left;
  }
  flush();
  stopping_.lower();
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::poll(timeout_type timeout) {
  refuse_in_hook();
  if (empty()) return reap();
  const bool timed = timeout && timeout->count() > 0;
  const auto deadline = timed ? detail::deadline_after(system().now(), *timeout)
                              : std::chrono::nanoseconds(0);
  while (!turn(timeout) && !stopping_.raised())
    if (timed) timeout = deadline - system().now();
  flush();
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
  if (!stopping_.raised() && !empty()) poll(timeout);
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
  if (resume_at_.count() != 0) [[unlikely]]
    resume_if_due();
  return n != -EINTR && (n == 0 || n != unwanted_);
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::before_wait() {
  if (ASYNCORE_DEBUG == 0 && changed_.unlinked() && !any_every_turn()) return;
  const bool stopping = stopping_.raised();
  // What a visit changes in others is visited too, and a hook that it calls may change what those
  // before it have answered; not without end, lest two channels that change each other keep the
  // loop from its wait.
  constexpr int most_passes = 8;
  int pass = 0;
  do {
    if (!changed_.unlinked()) visit_changed(false);
    ask_again_ = false;
    if (any_every_turn()) visit_every_turn(pass == 0);
  } while ((ask_again_ || !changed_.unlinked()) && ++pass < most_passes);
  if constexpr (ASYNCORE_DEBUG != 0) check_rearmed();
  // Stopped or emptied on the way, by a predicate or a hook: nothing else may ever end the wait.
  if ((stopping_.raised() && !stopping) || empty()) [[unlikely]]
    resume_at_ = std::chrono::nanoseconds(1);
}

/// A channel whose predicate threw is not asked again before this wait.
template <class Poller, class Map>
void basic_loop<Poller, Map>::visit_every_turn(bool first_pass) {
  // All of them, also when an exception ended the last round before its end.
  while (!asking_.unlinked()) asking_.front()->link_before(every_turn_);
  asking_.take(every_turn_);
  while (!asking_.unlinked()) {
    record& r = as_record(asking_.front());
    r.link_before(every_turn_);
    if (first_pass || !r.threw_) visit(r);
  }
}

/// Those that are asked every turn have their visit before each wait anyway, so only after the last.
template <class Poller, class Map>
void basic_loop<Poller, Map>::visit_changed(bool last) {
  restore_scope visiting(*this);
  visiting.left_.take(changed_);
  while (!visiting.left_.unlinked()) {
    record& r = as_record(visiting.left_.front());
    if (r.every_turn_) {
      r.link_before(every_turn_);
      if (!last) continue;
    } else {
      r.unlink();
    }
    visiting.current_ = r.id();
    visit(r);
    visiting.current_ = {};
  }
}

/// Lets a channel finish what it put off, and tells the poller what it wants.
template <class Poller, class Map>
void basic_loop<Poller, Map>::visit(record& r) {
  const token id = r.id();
  r.threw_ = false;
  detail::guarded(
      [&] {
        const interest wanted = channels::template perform<detail::op::before_wait>(r);
        if (map_.find(id) == &r) arm(r, wanted);
      },
      [&] {
        if (map_.find(id) == &r) r.threw_ = true;
        hook_failed(id);
      });
}

/// Changes what the poller watches for, once a turn at most for a channel, so that an interest that
/// goes and comes back costs nothing.
template <class Poller, class Map>
void basic_loop<Poller, Map>::arm(record& r, interest wanted) {
  if (wanted == r.armed_ || r.hung_up_ || arms_later(r, wanted)) return;
  std::error_code failed;
  if (r.polled_) {
    failed = poller_.modify(r.id_, wanted);
  } else {
    failed = poller_.add(r.id_, wanted);
    r.polled_ = !failed;
  }
  r.armed_ = wanted;
  r.paused_ = false;
  if (failed) report_error(r, failed, Poller::name);
}

/// A channel that stops reading often reads again before anything arrives: the poller is told only
/// when something has. Channels without predicates are not asked what they want of a report, so
/// that it cannot be unwanted.
template <class Poller, class Map>
bool basic_loop<Poller, Map>::arms_later(record& r, interest wanted) noexcept {
  if constexpr (requires { Poller::changes_cost; }) {
    if (!any_pause()) return false;
    const bool pauses = r.polled_ && r.armed_ == (wanted | interest::read);
    const bool resumes = r.paused_ && wanted == (r.armed_ | interest::read);
    if ((!pauses && !resumes) ||
        channels::template perform<detail::op::mode>(r) == predicate_mode::constant)
      return false;
    r.paused_ = pauses;
    r.armed_ = wanted;
    return true;
  } else {
    return false;
  }
}

template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::unwanted(token id) {
  if (arm_paused(id)) ++unwanted_;
}

/// Something has arrived for a channel that may have stopped reading; returns whether it has.
template <class Poller, class Map>
ASYNCORE_COLD bool basic_loop<Poller, Map>::arm_paused(token id) {
  record* const r = map_.find(id);
  if (r == nullptr || !r->paused_) return false;
  r->paused_ = false;
  if (const std::error_code failed = poller_.modify(id, r->armed_))
    report_error(*r, failed, Poller::name);
  return true;
}

/// Aborts when an answer changed without `rearm`: the poller would never have heard of it.
template <class Poller, class Map>
void basic_loop<Poller, Map>::check_rearmed() {
  if (!channels::template any_asked<predicate_mode::on_rearm>()) return;
  std::vector<token> quiet;  // a predicate may change the map
  map_.for_each([&](record& r) {
    if (r.unlinked() && !r.hung_up_) quiet.push_back(r.id());
  });
  for (const token id : quiet) {
    record* const r = map_.find(id);
    if (r == nullptr || !r->unlinked()) continue;
    if (channels::template perform<detail::op::mode>(*r) != predicate_mode::on_rearm) continue;
    const interest armed = r->armed_;
    interest answer = armed;  // what the predicate throws here it will throw when it counts
    detail::guarded([&] { answer = channels::template perform<detail::op::ask>(*r); }, [] {});
    if (answer == armed || map_.find(id) != r) continue;
    log(detail::joined({"asyncore: readable() or writable() of ",
                        channels::template perform<detail::op::name>(*r),
                        " changed its answer without rearm()"}));
    std::abort();
  }
}

/// While a listener waits for a descriptor, no wait is longer than its pause.
template <class Poller, class Map>
timeout_type basic_loop<Poller, Map>::shortened(timeout_type timeout) noexcept {
  if (!changed_.unlinked()) [[unlikely]]
    return std::chrono::nanoseconds(0);
  if (resume_at_.count() == 0) [[likely]]
    return timeout;
  const auto left = resume_at_ - system().now();
  return timeout && *timeout < left ? *timeout : left;
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::resume_if_due() {
  if (system().now() < resume_at_) return;
  resume_at_ = {};
  map_.for_each([](record& r) { channels::template perform<detail::op::resume>(r); });
}

/// The hot path: a channel that is only readable.
template <class Poller, class Map>
[[gnu::always_inline]] inline void basic_loop<Poller, Map>::dispatch(token t, readiness ready) {
  if (ready != readiness::read) [[unlikely]] {
    dispatch_each(t, ready);
    return;
  }
  if (record* const r = map_.find(t); r != nullptr) [[likely]]
    detail::guarded([&] { channels::template perform<detail::op::read>(*r); },
                    [&] { hook_failed(t); });
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
ASYNCORE_COLD void basic_loop<Poller, Map>::report_error(record& r, std::error_code code,
                                                         [[maybe_unused]] std::string_view what) {
  ask_again_ = true;
  last_error_ = code;
#if ASYNCORE_HAS_EXCEPTIONS
  try {
    throw std::system_error(code, std::string(what));
  } catch (const std::system_error&) {
    in_handle_error_ = in_turn_;
    channels::template perform<detail::op::error>(r);
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

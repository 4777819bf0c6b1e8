// SPDX-License-Identifier: BSL-1.0
/// What a loop waits for beside its channels, and the time of the turn.
#ifndef ASYNCORE_LOOP_WAKE_SCHEDULE_HPP
#define ASYNCORE_LOOP_WAKE_SCHEDULE_HPP

#include <asyncore/concept/loop_service.hpp>
#include <asyncore/word/config.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/timeout.hpp>
#include <asyncore/word/wake_time.hpp>

#include <utility>

namespace asyncore::detail {

/// The services of `Loop`, and the earliest time at which one of them, or a listener, has something
/// to do. A loop without any pays one comparison before and one after a wait.
template <class Loop>
class wake_schedule {
  using service_type = loop_service<Loop>;

 public:
  wake_schedule() noexcept = default;
  wake_schedule(const wake_schedule&) = delete;
  wake_schedule& operator=(const wake_schedule&) = delete;

  /// True while something is waited for, so that `limit` and `run_services` have to be called.
  bool waits() const noexcept { return !next_.is_never(); }

  /// Has the next wait end at `when` at the latest.
  void wake_by(wake_time when) noexcept {
    if (when < next_) next_ = when;
  }

  /// `timeout`, or what is left until the next time. Asks every service, which may have something
  /// to do at once.
  ASYNCORE_COLD timeout_type limit(Loop& loop, timeout_type timeout) {
    bool wait = true;
    each([&](service_type& s) { wait &= s.of->may_wait(s, loop); });
    if (wait && !next_.has_time()) {
      forget_time();
      return timeout;
    }
    const auto left = wait ? next_.left(loop.now()) : std::chrono::nanoseconds(0);
    forget_time();
    return timeout && *timeout < left ? *timeout : left;
  }

  /// Has every service do what is due, also when one throws. `others()`: when something else than a
  /// service waits for a time.
  template <class Others>
  ASYNCORE_COLD void run_services(Loop& loop, Others others) {
    cleaning_up([&] { each([&](service_type& s) { s.of->after_wait(s, loop); }); },
                [&] { plan(others()); });
    plan(others());
  }

  /// The time of the turn, which `read()` reads the first time that it is asked for after a wait.
  /// Nobody would forget it at the next wait of a loop that waits for nothing: it is not kept then.
  template <class Read>
  std::chrono::nanoseconds time(Read read) noexcept {
    if (time_.count() != 0) [[likely]]
      return time_;
    const std::chrono::nanoseconds now = read();
    if (waits()) time_ = now;
    return now;
  }
  /// Drops the cached time of the turn; the next `time` reads the clock.
  void forget_time() noexcept { time_ = {}; }

  /// The loop's `Service`, made at the first call. Throws bad_alloc.
  template <class Service>
  Service& service(Loop& loop) {
    for (auto* s = services_; s != nullptr; s = s->behind)
      if (s->of == &service_operations<Loop, Service>) return static_cast<Service&>(*s);
    auto* const made = new Service(loop);
    attach(*made);
    return *made;
  }
  /// Adds one that is a part of the loop.
  void attach(service_type& s) noexcept { s.behind = std::exchange(services_, &s); }

  /// True while a service keeps `run` going without channels.
  ASYNCORE_COLD bool any_busy() const noexcept {
    for (auto* s = services_; s != nullptr; s = s->behind)
      if (s->of->busy(*s)) return true;
    return false;
  }

  template <class F>
  void each(F f) {
    for (auto* s = services_; s != nullptr; s = s->behind) f(*s);
  }

  /// Destroys them, the last one first.
  void end() noexcept {
    while (services_ != nullptr) {
      auto* const last = std::exchange(services_, services_->behind);
      last->of->destroy(last);
    }
  }

 private:
  ASYNCORE_COLD void plan(wake_time others) noexcept {
    next_ = others;
    each([&](service_type& s) { wake_by(s.of->next(s)); });
    if (!waits()) forget_time();
  }

  wake_time next_ = wake_time::never();
  std::chrono::nanoseconds time_{0};  // of this turn; 0: not known yet
  service_type* services_ = nullptr;
};

}  // namespace asyncore::detail

#endif

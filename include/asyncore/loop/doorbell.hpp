// SPDX-License-Identifier: BSL-1.0
/// How other threads and signal handlers reach a loop: the stop flag, the mailbox and the waker.
#ifndef ASYNCORE_LOOP_DOORBELL_HPP
#define ASYNCORE_LOOP_DOORBELL_HPP

#include <asyncore/loop/mailbox.hpp>
#include <asyncore/loop/post_service.hpp>
#include <asyncore/loop/wake_schedule.hpp>
#include <asyncore/sys/home_process.hpp>
#include <asyncore/word/config.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/interest.hpp>
#include <asyncore/word/log.hpp>
#include <asyncore/word/stop_flag.hpp>
#include <asyncore/word/token.hpp>

#include <cstdint>
#include <system_error>

namespace asyncore::detail {

/// The bell of a `Loop`: a descriptor that its poller watches from the first turn on. Posts are
/// looked for in every turn as soon as the first one has come. The protocol is modelled in
/// test/model/wake_up.pml.
template <class Loop, class Waker>
class doorbell {
 public:
  doorbell() noexcept = default;
  doorbell(const doorbell&) = delete;
  doorbell& operator=(const doorbell&) = delete;

  /// Ends a wait. Thread-safe, and safe in a signal handler. A forked process shares the
  /// descriptor, and must not wake the loop of the other one.
  ASYNCORE_COLD void ring() noexcept {
    if (!home_.left()) waker_.wake();
  }

  /// Asks `run` to end, and ends a wait. As `ring`.
  void stop() noexcept {
    stop_.raise();
    ring();
  }
  stop_flag& stop_request() noexcept { return stop_; }
  const stop_flag& stop_request() const noexcept { return stop_; }

  /// Drops a stop that has been obeyed, and the ring that came with it.
  void forget_stop() noexcept {
    stop_.lower();
    waker_.drain();
  }

  mailbox& mail() noexcept { return mail_; }
  const mailbox& mail() const noexcept { return mail_; }

  /// True in a process that was forked after the loop was made.
  bool elsewhere() const noexcept { return home_.left(); }

  /// Opens the bell, then looks for what was posted before there was one: whoever posts after the
  /// look finds the waker open. `add(fd)` has the poller watch it; returns its generation, or 0 and
  /// `failed`.
  template <class Add>
  void open(Loop& loop, wake_schedule<Loop>& schedule, Add add) {
    if (generation_ == 0) [[unlikely]]
      try_to_open(loop, schedule, add);
    if (posts_.attached() || !mail_.empty()) look_for_posts(schedule);
  }

  /// Without a waker, as when no descriptor is free, the loop waits for a short time only, so that
  /// others are heard at the end of it, and tries again.
  template <class Add>
  ASYNCORE_COLD void try_to_open(Loop& loop, wake_schedule<Loop>& schedule, Add add) {
    if constexpr (requires { Waker::never_wakes; }) {
      look_for_posts(schedule);
    } else {
      std::error_code failed;
      guarded([&] { open_waker(add, failed); },
              [&] { failed = std::make_error_code(std::errc::not_enough_memory); });
      if (!failed) return posts_.found_waker();
      if (!posts_.deaf()) log_deaf(failed);
      posts_.look_for_waker(loop.now() + posts_.deaf_wait);
      look_for_posts(schedule);
    }
  }

  /// A report came that belongs to no channel: it is stale, or of the bell. The waker is drained
  /// before the look: whoever posts later rings again.
  ASYNCORE_COLD void answer(wake_schedule<Loop>& schedule) noexcept {
    waker_.drain();
    if (!mail_.empty()) look_for_posts(schedule);
  }

  /// A caller that waits for the poller's own descriptor hears of posts by the waker.
  void watch_from_outside() noexcept {
    if (generation_ != 0 && !mail_.fall_asleep()) waker_.wake();
  }

  /// The token that the poller watches it under; generation 0 before it is open.
  token id() const noexcept { return {waker_.native_handle(), generation_}; }
  void forget_token() noexcept { generation_ = 0; }

 private:
  /// Posts are looked for in every turn from now on.
  ASYNCORE_COLD void look_for_posts(wake_schedule<Loop>& schedule) noexcept {
    if (!posts_.attached()) {
      posts_.set_attached();
      schedule.attach(posts_);
    }
    schedule.wake_by(posts_.next());
  }

  template <class Add>
  void open_waker(Add add, std::error_code& failed) {
    if (waker_.native_handle() < 0)
      if (const int status = waker_.open(); status < 0) {
        failed = errno_code(-status);
        return;
      }
    generation_ = add(waker_.native_handle(), failed);
  }

  static void log_deaf(std::error_code failed) {
    log_if_memory([&] {
      log(joined({"warning: a loop has no waker, and hears stop and post of other threads late: ",
                  failed.message()}));
    });
  }

  stop_flag stop_;
  [[no_unique_address]] Waker waker_;
  std::uint32_t generation_ = 0;
  mailbox mail_;
  post_service<Loop> posts_;
  home_process home_;
};

}  // namespace asyncore::detail

#endif

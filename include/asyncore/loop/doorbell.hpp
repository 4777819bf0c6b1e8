// SPDX-License-Identifier: BSL-1.0
/// How other threads and signal handlers reach a `basic_loop`. Included by loop.hpp.
#ifndef ASYNCORE_LOOP_DOORBELL_HPP
#define ASYNCORE_LOOP_DOORBELL_HPP

#include <asyncore/loop.hpp>

namespace asyncore {

template <class Poller, class Map>
void basic_loop<Poller, Map>::stop() noexcept {
  stopping_.raise();
  ring();
}

/// A forked process shares the descriptor, and must not wake the loop of the other one.
template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::ring() noexcept {
  if (!elsewhere()) waker_.wake();
}

/// What `run` and `poll` begin with: a waker, and a look at what was posted before there was one.
/// In this order: whoever posts after the look finds the waker open.
template <class Poller, class Map>
void basic_loop<Poller, Map>::begin() {
  if (elsewhere()) [[unlikely]]
    detail::throw_error(std::make_error_code(std::errc::operation_not_permitted),
                        "a loop cannot run in a process that was forked after it was made");
  forget_time();
  in_handle_error_ = false;  // an exception may have left the last turn
  if (waker_generation_ == 0) [[unlikely]]
    look_for_waker();
  if (posts_.attached() || !box_.empty()) attach_posts();
}

/// Posts are looked for in every turn from now on.
template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::attach_posts() noexcept {
  if (!posts_.attached()) {
    posts_.set_attached();
    schedule_.attach(posts_);
  }
  wake_by(posts_.next());
}

/// A report that belongs to no channel: it is stale (law 1), or of the waker. First the waker is
/// drained, then the box is looked at: whoever posts later rings again.
template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::unwatched() noexcept {
  waker_.drain();
  if (!box_.empty()) attach_posts();
}

/// Without a waker, as when no descriptor is free, the loop waits for a short time only, so that
/// others are heard at the end of it, and looks again.
template <class Poller, class Map>
ASYNCORE_COLD void basic_loop<Poller, Map>::look_for_waker() {
  if constexpr (!std::is_same_v<waker, no_waker>) {
    std::error_code failed;
    detail::guarded([&] { failed = open_waker(); },
                    [&] { failed = std::make_error_code(std::errc::not_enough_memory); });
    if (!failed) return posts_.found_waker();
    if (!posts_.deaf())
      detail::log_if_memory([&] {
        log(detail::joined({"warning: a loop has no waker, and hears stop and post of other threads "
                            "late: ",
                            failed.message()}));
      });
    posts_.look_for_waker(system().now() + posts_.deaf_wait);
  }
  attach_posts();
}

template <class Poller, class Map>
ASYNCORE_COLD std::error_code basic_loop<Poller, Map>::open_waker() {
  if (waker_.native_handle() < 0)
    if (const int status = waker_.open(); status < 0) return errno_code(-status);
  if constexpr (requires { map_.cover(0); }) map_.cover(waker_.native_handle());
  if (++last_generation_ == 0) ++last_generation_;
  const std::error_code failed =
      poller_.add({waker_.native_handle(), last_generation_}, interest::read);
  if (!failed) waker_generation_ = last_generation_;
  return failed;
}

}  // namespace asyncore

#endif

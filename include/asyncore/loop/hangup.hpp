// SPDX-License-Identifier: BSL-1.0
/// What `loop_core` does about errors and hangups, which no kernel can mask. Included by core.hpp.
#ifndef ASYNCORE_LOOP_HANGUP_HPP
#define ASYNCORE_LOOP_HANGUP_HPP

#include <asyncore/loop/core.hpp>
#include <asyncore/sys/error_queue.hpp>

namespace asyncore::detail {

/// Both directions are over, or an error is pending. What has not been read goes first (law 3),
/// and the kernel, which would report this again for ever, is not asked again (law 4).
template <class Poller, class Map>
void loop_core<Poller, Map>::hang_up(token t, readiness ready) {
  record* r = map_.find(t);
  if (r == nullptr) return;
  // The read that finds the end, or the error, reports it.
  if (any(r->armed_, interest::read) && any(ready, readiness::read)) return;
  // UNIX sockets and pipes whose buffer is full report no room to write. A send finds the end.
  if (!any(ready, readiness::write)) deliver<op::write>(t, interest::write);
  r = map_.find(t);
  if (r == nullptr) return;
  const bool over = any(ready, readiness::hangup);
  if (any(r->armed_, interest::read)) {
    if (!over) return read_error(t);
  } else if (channels::template perform<op::has_unread>(*r)) {
    return park(*r);
  } else if (!over && passes(t)) {
    return;
  }
  r = map_.find(t);
  if (r == nullptr) return;
  perform_guarded<op::hangup>(*r);
  r = map_.find(t);
  if (r == nullptr) return;
  stop_polling(*r);
  r->hung_up_ = true;
}

/// A read finds the error. One that is not found is in the error queue.
template <class Poller, class Map>
void loop_core<Poller, Map>::read_error(token t) {
  deliver<op::read>(t, interest::read);
  clear_errors(t);
}

/// Gives the error queue of a socket to `handle_expt`, and drops what that has left there. Returns
/// whether there was anything, or the channel has gone.
template <class Poller, class Map>
bool loop_core<Poller, Map>::clear_errors(token t) {
  deliver<op::expt>(t, interest::expt);
  return map_.find(t) == nullptr || drop_errors(system(), t.fd);
}

/// True for an error behind which the channel goes on. One that is the result of the next call of a
/// datagram socket waits for it, as it does under select.
template <class Poller, class Map>
bool loop_core<Poller, Map>::passes(token t) {
  if (clear_errors(t)) return true;
  record* const r = map_.find(t);
  if (!channels::template perform<op::is_connectionless>(*r)) return false;
  if (!any(r->armed_, interest::write)) park(*r);
  return true;
}

/// Reported again when the channel wants something else, as when it reads again. What it was armed
/// for stays, or the next visit would arm it again, to be woken for the same.
template <class Poller, class Map>
void loop_core<Poller, Map>::park(record& r) noexcept {
  const interest armed = r.armed_;
  stop_polling(r);
  r.armed_ = armed;
}

template <class Poller, class Map>
void loop_core<Poller, Map>::stop_polling(record& r) noexcept {
  if (r.exclusive_ && r.polled_) [[unlikely]]
    check_declined(r, interest::none);
  if (r.polled_ && !elsewhere()) poller_.remove(r.id_);
  r.polled_ = r.paused_ = false;
  r.armed_ = interest::none;
}

}  // namespace asyncore::detail

#endif

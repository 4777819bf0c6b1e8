// SPDX-License-Identifier: BSL-1.0
/// What readiness means to a `dispatcher`. Included by dispatcher.hpp.
#ifndef ASYNCORE_CHANNEL_CONNECTING_HPP
#define ASYNCORE_CHANNEL_CONNECTING_HPP

#include <asyncore/dispatcher.hpp>

namespace asyncore {

/// A stream that is neither connected nor on its way wants nothing: the kernel reports it as hung
/// up (poll(2), POLLHUP on an unconnected socket).
template <class Derived, class Loop, class Transport>
interest dispatcher<Derived, Loop, Transport>::wanted_interest() {
  if (has(is_connecting)) return interest::write;
  if (has(is_connected | is_datagram)) [[likely]] {
    const bool starved = has(is_starved);
    const interest wanted = base::wanted_interest();
    return starved ? wanted & (interest::write | interest::expt) : wanted;
  }
  if constexpr (accepts())
    if (has(is_accepting) && !has(is_starved | base::is_paused) &&
        detail::ask_readable(this->derived()))
      return interest::read;
  return interest::none;
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::handle_connect_event() {
  if (!has(is_connecting)) return;
  auto&& system = this->loop().system();
  int error = 0;
  const int status = system.getsockopt(this->native_handle(), SOL_SOCKET, SO_ERROR, error);
  if (status < 0) error = -status;
  if (error != 0) return connect_failed(error);
  endpoint peer;
  // Without an error and without a peer the wake-up was spurious.
  if (system.getpeername(this->native_handle(), peer) == -ENOTCONN) return;
  delete target_;
  target_ = nullptr;
  this->state_ &= static_cast<state_bits>(~is_connecting);
  this->state_ |= is_connected;
  this->rearm();
  if constexpr (detail::defines_handle_connect<Derived>()) this->derived().handle_connect();
}

template <class Derived, class Loop, class Transport>
ASYNCORE_COLD void dispatcher<Derived, Loop, Transport>::connect_failed(int error) {
  const std::string what = detail::joined({"connect ", target_->to_string()});
  this->state_ &= static_cast<state_bits>(~is_connecting);
  this->rearm();
  if (is_disconnect(error)) {
    this->note_reason(error);
    return this->derived().handle_close_event();
  }
  auto& loop = this->core();
  const token id = this->id();
  loop.report_error(*this, errno_code(error), what);
  // A class that keeps the channel has been told: the hangup that some pollers report says no more.
  if (!loop.alive(id) || has(is_connecting)) return;
  this->note_reason(error);
  this->state_ |= base::close_reported;
}

/// Urgent data and a failed connection look alike; SO_ERROR tells them apart.
template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::handle_expt_event() {
  int error = 0;
  this->loop().system().getsockopt(this->native_handle(), SOL_SOCKET, SO_ERROR, error);
  if (error == 0) return base::handle_expt_event();
  if (has(is_datagram)) return this->core().report_error(*this, errno_code(error), "recv");
  this->note_reason(error);
  this->derived().handle_close_event();
}

/// The poller says that the connection is over, and SO_ERROR why.
template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::handle_hangup_event() {
  if constexpr (detail::asks_why_it_ends<Derived>()) {
    int error = 0;
    this->loop().system().getsockopt(this->native_handle(), SOL_SOCKET, SO_ERROR, error);
    this->note_reason(error);
  }
  this->derived().handle_close_event();
}

template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE std::string dispatcher<Derived, Loop, Transport>::description() const {
  std::string text = detail::joined({"<", type_name<Derived>()});
  if (accepting()) text += " listening";
  if (connecting()) text += " connecting";
  if (connected()) text += " connected";
  if (const endpoint where = addr()) text += detail::joined({" ", detail::printable(where.to_string())});
  return detail::joined({text, " ", detail::fd_text(this->native_handle()), ">"});
}

}  // namespace asyncore

#endif

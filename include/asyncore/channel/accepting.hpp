// SPDX-License-Identifier: BSL-1.0
/// How a `dispatcher` accepts. Included by dispatcher.hpp.
#ifndef ASYNCORE_CHANNEL_ACCEPTING_HPP
#define ASYNCORE_CHANNEL_ACCEPTING_HPP

#include <asyncore/channel/reserve_descriptor.hpp>
#include <asyncore/dispatcher.hpp>

namespace asyncore {

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::accept_event() {
  if constexpr (accepts()) this->derived().handle_accept();
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::handle_accept() {
  if constexpr (detail::defines_handle_accepted<Derived>()) {
    auto& loop = this->core();
    const token id = this->id();
    for (int left = Derived::accept_batch; left > 0; --left) {
      auto peer = accept();
      if (!peer) return;
      // What one connection throws is no reason to keep the next ones waiting (law 14).
      loop.run_callback(id, [&] {
        this->derived().handle_accepted(std::move(peer->first), std::move(peer->second));
      });
      if (!loop.alive(id)) return;
    }
  }
}

template <class Derived, class Loop, class Transport>
std::optional<std::pair<socket, endpoint>> dispatcher<Derived, Loop, Transport>::accept() {
  auto&& system = this->loop().system();
  if (this->loop().size() >= this->derived().connection_limit) [[unlikely]]
    return pause_accepting(false), std::nullopt;
  for (int left = Derived::accept_batch; left > 0; --left) {
    std::pair<socket, endpoint> peer;
    const int fd = system.accept(this->native_handle(), peer.second);
    if (fd >= 0) [[likely]] {
      peer.first = socket::accepted(unique_fd(fd, system.closer()));
      const std::error_code refused = this->core().room_for(fd);
      if (!refused) [[likely]]
        return peer;
      log_refused(peer, refused);
    } else if (fd == -EAGAIN || !accepts_after(-fd)) {
      return {};
    }
  }
  return {};
}

template <class Derived, class Loop, class Transport>
ASYNCORE_COLD void dispatcher<Derived, Loop, Transport>::log_refused(
    const std::pair<socket, endpoint>& peer, std::error_code why) {
  detail::log_if_memory([&] {
    this->derived().log_info(detail::joined({"accept: connection from ",
                                             detail::printable(peer.second.to_string()),
                                             " refused, ",
                                             detail::fd_text(peer.first.native_handle()), ": ",
                                             why.message()}),
                             "error");
  });
}

/// True when there may be more to accept after this error. What is neither the connection's fault
/// nor the program's may pass: a listener waits for that, and never closes by itself.
template <class Derived, class Loop, class Transport>
ASYNCORE_COLD bool dispatcher<Derived, Loop, Transport>::accepts_after(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    // Errors of the connection that Linux passes on (accept(2), "Error handling").
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTUNREACH:
    case ENETUNREACH:
#if defined(EHOSTDOWN)
    case EHOSTDOWN:
#endif
#if defined(ENONET)
    case ENONET:
#endif
      return true;
    // Mistakes of the program.
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
      pause_accepting(true);  // for a `handle_error` that does not close
      detail::throw_error(errno_code(error), detail::joined({"accept ", local_addr().to_string()}));
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      if constexpr (Derived::turns_away)
        if (turn_away()) return false;
      pause_accepting(true);
      log_paused(error, "warning");
      return false;
    default:
      pause_accepting(true);
      log_paused(error, "error");
      return false;
  }
}

/// At most once in a pause.
template <class Derived, class Loop, class Transport>
ASYNCORE_COLD void dispatcher<Derived, Loop, Transport>::log_paused(int error,
                                                                    std::string_view type) {
  detail::log_if_memory([&] {
    this->derived().log_info(
        detail::joined({"accept: ", errno_code(error).message(), "; accepting pauses"}), type);
  });
}

/// Until a channel closes, or for a while: descriptors are also freed by others.
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher<Derived, Loop, Transport>::pause_accepting(
    bool for_a_while) noexcept {
  this->state_ |= is_starved;
  this->rearm();
  this->core().resume_later(this->id(), for_a_while);
}

/// Accepts and closes a batch of those who wait; false when not even the reserve helps.
template <class Derived, class Loop, class Transport>
ASYNCORE_COLD bool dispatcher<Derived, Loop, Transport>::turn_away() {
  auto&& system = this->loop().system();
  auto& reserve = this->core().template service<detail::reserve_descriptor<core_type>>();
  if (!reserve.give(system)) return reserve.take(system), false;
  endpoint peer;
  int fd = 0, count = 0;
  for (; count < Derived::accept_batch; ++count) {
    fd = system.accept(this->native_handle(), peer);
    if (fd < 0) break;
    system.close(fd);  // which is free for the next one
  }
  reserve.take(system);
  detail::log_if_memory([&] {
    this->derived().log_info(
        detail::joined({"accept: no descriptor is free; turned away ",
                        detail::number_text(static_cast<unsigned long>(count))}),
        "warning");
  });
  return count > 0 || fd == -EAGAIN;
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::resume_accepting() noexcept {
  if (!has(is_starved)) return;
  this->state_ &= static_cast<state_bits>(~is_starved);
  this->rearm();
}

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// The set-up calls of `dispatcher`. Included by dispatcher.hpp.
#ifndef ASYNCORE_CHANNEL_SETUP_HPP
#define ASYNCORE_CHANNEL_SETUP_HPP

#include <asyncore/channel/reserve_descriptor.hpp>
#include <asyncore/dispatcher.hpp>
#include <asyncore/sys/setup_calls.hpp>

namespace asyncore {

namespace detail {
/// What a call that refuses a datagram socket says, else `what`.
ASYNCORE_COLD inline std::string with_advice(std::string_view what, std::error_code failed) {
  if (failed != std::errc::wrong_protocol_type) return std::string(what);
  return joined({what, ": an out-queue would merge datagrams; derive from asyncore::dispatcher"});
}
}  // namespace detail

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::enter(int fd, state_bits state,
                                                 std::error_code& failed) {
  if (this->native_handle() >= 0) this->kind().abandon();
  this->set_descriptor(fd);
  this->state_ = state;
  this->add_channel(failed);
  if (failed) {
    const std::error_code why = failed;
    this->close_descriptor();
    this->state_ = 0;
    failed = why;
  }
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::create_socket(int family, int type,
                                                         std::error_code& failed) {
  const bool messages = detail::without_flags(type) == SOCK_DGRAM;
  if (messages && gathers()) {
    failed = std::make_error_code(std::errc::wrong_protocol_type);
    return;
  }
  const int fd = this->loop().system().socket(family, type);
  failed = detail::failure(fd);
  if (!failed) enter(fd, messages ? is_datagram : state_bits{0}, failed);
}
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher<Derived, Loop, Transport>::create_socket(int family, int type) {
  std::error_code failed;
  create_socket(family, type, failed);
  detail::throw_if(failed, detail::with_advice("create_socket", failed));
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::set_socket(socket peer, std::error_code& failed) {
  auto&& system = this->loop().system();
  const int fd = peer.native_handle();
  state_bits state = is_connected;
  if (!peer.prepared()) {
    failed = detail::failure(system.set_nonblocking(fd));
    if (failed) return;
    endpoint unused;
    // A pipe or a terminal has another end without a name.
    if (!std::is_same_v<Transport, file_transport> && system.getpeername(fd, unused) < 0)
      state = 0;
    int type = SOCK_STREAM;
    if (system.getsockopt(fd, SOL_SOCKET, SO_TYPE, type) == 0 && type == SOCK_DGRAM)
      state |= is_datagram;
    if ((state & is_datagram) != 0 && gathers()) {
      failed = std::make_error_code(std::errc::wrong_protocol_type);
      return;
    }
  }
  enter(peer.release(), state, failed);
}
template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::set_socket(socket peer) {
  const int fd = peer.native_handle();
  std::error_code failed;
  set_socket(std::move(peer), failed);
  if (!failed) return;
  const std::string what = detail::joined({"set_socket: ", detail::fd_text(fd)});
  detail::throw_error(failed, detail::with_advice(what, failed));
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::set_reuse_addr() noexcept {
  this->loop().system().setsockopt(this->native_handle(), SOL_SOCKET, SO_REUSEADDR, 1);
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::set_reuse_port(std::error_code& failed) noexcept {
  failed = detail::allow_reuse_port(this->loop().system(), this->native_handle());
}
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher<Derived, Loop, Transport>::set_reuse_port() {
  std::error_code failed;
  set_reuse_port(failed);
  detail::throw_if(failed, "set_reuse_port");
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::bind(const endpoint& where, std::error_code& failed) {
  failed = detail::failure(this->loop().system().bind(this->native_handle(), where));
}
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher<Derived, Loop, Transport>::bind(const endpoint& where) {
  std::error_code failed;
  bind(where, failed);
  detail::throw_setup(failed, "bind", where);
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::listen(int backlog, std::error_code& failed) {
  static_assert(accepts(),
                "asyncore: a class that listens defines `void handle_accepted(asyncore::socket, "
                "asyncore::endpoint)`, or handle_accept: is it misspelt?");
  failed = detail::failure(this->loop().system().listen(this->native_handle(), backlog));
  if (failed) return;
  if constexpr (Derived::turns_away)
    this->core().template service<detail::reserve_descriptor<core_type>>().take(this->loop().system());
  // One that the poller refuses only later would leave a program that serves nobody.
  if constexpr (accepts()) this->core().interests().watch_now(this->core(), *this, failed);
  if (failed) return;
  this->state_ |= is_accepting;
  this->rearm();
}
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher<Derived, Loop, Transport>::listen(int backlog) {
  std::error_code failed;
  listen(backlog, failed);
  detail::throw_setup(failed, "listen", local_addr());
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::connect(const endpoint& to, std::error_code& failed) {
  const int status = this->loop().system().connect(this->native_handle(), to);
  failed = status == -EINPROGRESS ? std::error_code() : detail::failure(status);
  if (failed) return;
  if (target_ != nullptr && this->registered()) {
    // An attempt with this socket has failed: what the poller still says of that is stale.
    this->del_channel();
    this->add_channel(failed);
    if (failed) return;
    this->state_ &= static_cast<state_bits>(~base::close_reported);
    this->forget_reason();
  }
  delete target_;
  target_ = new endpoint(to);
  this->state_ |= is_connecting;
  this->rearm();
}
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher<Derived, Loop, Transport>::connect(const endpoint& to) {
  std::error_code failed;
  connect(to, failed);
  detail::throw_setup(failed, "connect", to);
}

template <class Derived, class Loop, class Transport>
void dispatcher<Derived, Loop, Transport>::shutdown(int how, std::error_code& failed) {
  failed = detail::failure(this->loop().system().shutdown(this->native_handle(), how));
}
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher<Derived, Loop, Transport>::shutdown(int how) {
  std::error_code failed;
  shutdown(how, failed);
  detail::throw_setup(failed, "shutdown", addr());
}

template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE endpoint dispatcher<Derived, Loop, Transport>::local_addr() const {
  endpoint name;
  if (this->native_handle() >= 0)
    this->loop().system().getsockname(this->native_handle(), name);
  return name;
}

template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE endpoint dispatcher<Derived, Loop, Transport>::addr() const {
  if (target_ != nullptr) return *target_;
  endpoint name;
  if (this->native_handle() >= 0 &&
      this->loop().system().getpeername(this->native_handle(), name) == 0)
    return name;
  return local_addr();
}

}  // namespace asyncore

#endif

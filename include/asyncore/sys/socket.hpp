// SPDX-License-Identifier: BSL-1.0
/// A socket between channels: what `accept` returns and a dispatcher takes over.
#ifndef ASYNCORE_SYS_SOCKET_HPP
#define ASYNCORE_SYS_SOCKET_HPP

#include <asyncore/sys/unique_fd.hpp>
#include <asyncore/word/config.hpp>

#include <sys/socket.h>

#include <utility>

namespace asyncore {

/// Owns a socket of any system. Movable only; closes the socket when nobody takes it over.
class socket {
 public:
  socket() noexcept = default;

  /// Takes over the descriptor of a socket that somebody else made.
  explicit socket(unique_fd fd) noexcept : fd_(std::move(fd)) {}
  explicit socket(int fd) noexcept : fd_(fd) {}

  /// A socket that a system has just accepted: connected, non-blocking and close-on-exec, so
  /// that nobody need ask.
  static socket accepted(unique_fd fd) noexcept {
    socket peer(std::move(fd));
    peer.prepared_ = true;
    return peer;
  }

  /// The descriptor, -1 when there is none.
  int native_handle() const noexcept { return fd_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

  /// True when it came from `accepted`.
  bool prepared() const noexcept { return prepared_; }

  /// Gives up ownership: the caller closes what is returned.
  int release() noexcept { return fd_.release(); }

  /// Closes the socket, if there is one.
  void close() noexcept { fd_.reset(); }

 private:
  unique_fd fd_;
  bool prepared_ = false;
};

namespace detail {
/// The type of a socket without the flags that socket(2) takes beside it.
constexpr int without_flags(int type) noexcept {
#if ASYNCORE_HAS_ATOMIC_FLAGS
  return type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
  return type;
#endif
}
}  // namespace detail

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// Errors of a socket that are not its end.
#ifndef ASYNCORE_SYS_ERROR_QUEUE_HPP
#define ASYNCORE_SYS_ERROR_QUEUE_HPP

#include <sys/socket.h>

namespace asyncore::detail {

/// Drops what the error queue of a socket holds (recv(2), MSG_ERRQUEUE): a read leaves it there,
/// and the kernel reports it for ever. Returns whether there was anything.
template <class System>
bool drop_errors([[maybe_unused]] System&& system, [[maybe_unused]] int fd) noexcept {
  if constexpr (requires { system.drop_errors(fd); }) {
    return system.drop_errors(fd) > 0;
  } else {
    return false;
  }
}

/// True for a socket whose messages do not depend on each other: an error of one is not the end.
template <class System>
bool is_connectionless(System&& system, int fd) noexcept {
  int type = SOCK_STREAM;
  return system.getsockopt(fd, SOL_SOCKET, SO_TYPE, type) == 0 && type != SOCK_STREAM &&
         type != SOCK_SEQPACKET;
}

}  // namespace asyncore::detail

#endif

// SPDX-License-Identifier: BSL-1.0
/// How a channel's bytes travel: what stands between the channel and its system.
#ifndef ASYNCORE_CONCEPT_TRANSPORT_HPP
#define ASYNCORE_CONCEPT_TRANSPORT_HPP

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace asyncore {

/// A transport returns a count of bytes, 0 from `receive` at the end of the stream, or a negative
/// errno. Sockets: the bytes go as they are, and no send raises SIGPIPE.
struct socket_transport {
  template <class System>
  static std::ptrdiff_t receive(System&& system, int fd, std::span<std::byte> into) noexcept {
    return system.recv(fd, into);
  }
  template <class System>
  static std::ptrdiff_t send(System&& system, int fd, std::span<const std::byte> bytes) noexcept {
    return system.send(fd, bytes);
  }
  template <class System>
  static std::ptrdiff_t send(System&& system, int fd, std::span<const iovec> pieces) noexcept {
    return system.sendmsg(fd, pieces);
  }
};

/// Pipes, terminals and files: nothing connects, nothing is accepted.
struct file_transport {
  template <class System>
  static std::ptrdiff_t receive(System&& system, int fd, std::span<std::byte> into) noexcept {
    return system.read(fd, into);
  }
  template <class System>
  static std::ptrdiff_t send(System&& system, int fd, std::span<const std::byte> bytes) noexcept {
    return system.write(fd, bytes);
  }
  template <class System>
  static std::ptrdiff_t send(System&& system, int fd, std::span<const iovec> pieces) noexcept {
    return system.writev(fd, pieces);
  }
};

}  // namespace asyncore

#endif

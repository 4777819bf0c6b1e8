// SPDX-License-Identifier: BSL-1.0
/// The least that a set of system calls is, for whoever writes one.
#pragma once

#include <asyncore/concept/system.hpp>
#include <asyncore/sys/endpoint.hpp>
#include <asyncore/sys/unique_fd.hpp>

#include <cerrno>

namespace archetype {

using asyncore::endpoint;

/// A system without a kernel: every call fails with ENOSYS. Each member is what channels call under
/// a poller that names this system, and no member is called that is not here. This one has no
/// state, so channels make an object of it for each call.
struct system {
  // Bytes in and out. They return how many were moved, 0 from a read at the end of the stream, or a
  // negative errno: -EAGAIN when the call would have had to wait.
  std::ptrdiff_t read(int, std::span<std::byte>) { return -ENOSYS; }
  std::ptrdiff_t write(int, std::span<const std::byte>) { return -ENOSYS; }
  std::ptrdiff_t writev(int, std::span<const iovec>) { return -ENOSYS; }
  std::ptrdiff_t recv(int, std::span<std::byte>) { return -ENOSYS; }
  std::ptrdiff_t send(int, std::span<const std::byte>) { return -ENOSYS; }
  std::ptrdiff_t sendmsg(int, std::span<const iovec>) { return -ENOSYS; }
  std::ptrdiff_t recvfrom(int, std::span<std::byte>, endpoint&) { return -ENOSYS; }
  std::ptrdiff_t sendto(int, std::span<const std::byte>, const endpoint&) { return -ENOSYS; }

  // Sockets. They return a descriptor where the call of their name does, 0, or a negative errno.
  int socket(int, int) { return -ENOSYS; }
  int bind(int, const endpoint&) { return -ENOSYS; }
  int listen(int, int) { return -ENOSYS; }
  int connect(int, const endpoint&) { return -ENOSYS; }
  int accept(int, endpoint&) { return -ENOSYS; }
  int shutdown(int, int) { return -ENOSYS; }
  int getsockname(int, endpoint&) { return -ENOSYS; }
  int getpeername(int, endpoint&) { return -ENOSYS; }
  int getsockopt(int, int, int, int&) { return -ENOSYS; }
  int setsockopt(int, int, int, int) { return -ENOSYS; }

  // Descriptors of any kind. `unread`: how many bytes a read would find.
  int close(int) { return -ENOSYS; }
  int dup(int) { return -ENOSYS; }
  int set_nonblocking(int) { return -ENOSYS; }
  int unread(int) { return -ENOSYS; }

  // The time: it never goes back. This clock stands.
  std::chrono::nanoseconds now() { return std::chrono::nanoseconds(0); }

  // What closes a descriptor of this system that no channel owns, such as an accepted socket that
  // nobody took over. Null would mean close(2), for descriptors of the kernel.
  const asyncore::fd_closer* closer() { return &drops; }

 private:
  static constexpr asyncore::fd_closer drops{[](const asyncore::fd_closer&, int) noexcept {}};
};

static_assert(asyncore::system_calls<system>);

/// A system with state: one object for each loop, neither copied nor made by channels.
struct stateful_system : system {
  stateful_system() = default;
  stateful_system(const stateful_system&) = delete;
  stateful_system& operator=(const stateful_system&) = delete;

  std::chrono::nanoseconds now() { return time += std::chrono::nanoseconds(1); }
  std::chrono::nanoseconds time{0};
};

static_assert(asyncore::system_calls<stateful_system>);

}  // namespace archetype

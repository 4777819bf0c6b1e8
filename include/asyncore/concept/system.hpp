// SPDX-License-Identifier: BSL-1.0
/// What channels need of a set of system calls.
#ifndef ASYNCORE_CONCEPT_SYSTEM_HPP
#define ASYNCORE_CONCEPT_SYSTEM_HPP

#include <asyncore/concept/fwd.hpp>
#include <asyncore/word/duration.hpp>

#include <sys/uio.h>

#include <concepts>
#include <cstddef>
#include <span>

namespace asyncore {

/// Channels make every system call through `loop().system()`. With `s` a system, `fd` a descriptor
/// of it, `e` an endpoint, each member is the call of its name, does not block, and returns what
/// that returns or a negative errno:
///
/// | expression                             | returns     | beyond the call of that name         |
/// |----------------------------------------|-------------|--------------------------------------|
/// | `s.read(fd, into)`, `s.write(fd, bytes)`, `s.writev(fd, pieces)` | ptrdiff_t | EINTR is retried |
/// | `s.recv(fd, into)`, `s.send(fd, bytes)`, `s.sendmsg(fd, pieces)` | ptrdiff_t | EINTR is retried; no SIGPIPE |
/// | `s.recvfrom(fd, into, e)`, `s.sendto(fd, bytes, e)` | ptrdiff_t | EINTR is retried; no SIGPIPE |
/// | `s.socket(family, type)`               | int         | close-on-exec and non-blocking       |
/// | `s.bind(fd, e)`, `s.listen(fd, backlog)`, `s.shutdown(fd, how)` | int |                     |
/// | `s.connect(fd, e)`                     | int         | -EINPROGRESS also for EINTR          |
/// | `s.accept(fd, e)`                      | int         | `e` is the peer; close-on-exec and non-blocking |
/// | `s.close(fd)`                          | int         | EINTR is not retried                 |
/// | `s.getsockname(fd, e)`, `s.getpeername(fd, e)` | int |                                      |
/// | `s.getsockopt(fd, level, name, value)`, `s.setsockopt(fd, level, name, value)` | int | an int value |
/// | `s.dup(fd)`                            | int         | close-on-exec                        |
/// | `s.set_nonblocking(fd)`                | int         |                                      |
/// | `s.unread(fd)`                         | int         | the bytes that wait to be read       |
/// | `s.now()`                              | nanoseconds | monotonic                            |
/// | `s.closer()`                           | const fd_closer* | what closes its descriptors in a `unique_fd`; null for close(2) |
///
/// A system whose sockets have error queues offers `s.drop_errors(fd)`, an int, which drops what is
/// in that of `fd` and returns how many messages that were.
///
/// A system may name a type `waker` (see sys/waker.hpp); under one that does not, other threads
/// cannot end a wait.
///
/// A stateless system is an empty class; the poller of one that has state returns it from
/// `get_system()`.
template <class S>
concept system_calls =
    requires(S& s, int fd, std::span<std::byte> into, std::span<const std::byte> bytes,
             std::span<const iovec> pieces, endpoint& e, const endpoint& to, int& value) {
      { s.read(fd, into) } -> std::same_as<std::ptrdiff_t>;
      { s.write(fd, bytes) } -> std::same_as<std::ptrdiff_t>;
      { s.writev(fd, pieces) } -> std::same_as<std::ptrdiff_t>;
      { s.recv(fd, into) } -> std::same_as<std::ptrdiff_t>;
      { s.send(fd, bytes) } -> std::same_as<std::ptrdiff_t>;
      { s.sendmsg(fd, pieces) } -> std::same_as<std::ptrdiff_t>;
      { s.recvfrom(fd, into, e) } -> std::same_as<std::ptrdiff_t>;
      { s.sendto(fd, bytes, to) } -> std::same_as<std::ptrdiff_t>;
      { s.socket(0, 0) } -> std::same_as<int>;
      { s.bind(fd, to) } -> std::same_as<int>;
      { s.listen(fd, 0) } -> std::same_as<int>;
      { s.connect(fd, to) } -> std::same_as<int>;
      { s.accept(fd, e) } -> std::same_as<int>;
      { s.shutdown(fd, 0) } -> std::same_as<int>;
      { s.close(fd) } -> std::same_as<int>;
      { s.getsockname(fd, e) } -> std::same_as<int>;
      { s.getpeername(fd, e) } -> std::same_as<int>;
      { s.getsockopt(fd, 0, 0, value) } -> std::same_as<int>;
      { s.setsockopt(fd, 0, 0, 0) } -> std::same_as<int>;
      { s.dup(fd) } -> std::same_as<int>;
      { s.set_nonblocking(fd) } -> std::same_as<int>;
      { s.unread(fd) } -> std::same_as<int>;
      { s.now() } -> std::same_as<std::chrono::nanoseconds>;
      { s.closer() } -> std::same_as<const fd_closer*>;
    };

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// The system calls that channels use, on the kernel itself.
#ifndef ASYNCORE_SYS_POSIX_SYSTEM_HPP
#define ASYNCORE_SYS_POSIX_SYSTEM_HPP

#include <asyncore/concept/system.hpp>
#include <asyncore/sys/endpoint.hpp>
#include <asyncore/sys/unique_fd.hpp>
#include <asyncore/sys/waker.hpp>
#include <asyncore/word/config.hpp>
#include <asyncore/word/duration.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>

namespace asyncore {

/// The kernel. Stateless: an object costs nothing. Each member is the call of its name and returns
/// what that returns, or a negative errno (see concept/system.hpp). EINTR is retried except by
/// `close`; descriptors are made close-on-exec and non-blocking; no call raises SIGPIPE.
struct posix_system {
  /// What ends a wait from another thread.
  using waker = posix_waker;

  static std::ptrdiff_t read(int fd, std::span<std::byte> into) noexcept {
    return retried([&] { return ::read(fd, into.data(), into.size()); });
  }
  static std::ptrdiff_t write(int fd, std::span<const std::byte> bytes) noexcept {
    return quietly([&] { return ::write(fd, bytes.data(), bytes.size()); });
  }
  static std::ptrdiff_t writev(int fd, std::span<const iovec> pieces) noexcept {
    return quietly([&] { return ::writev(fd, pieces.data(), static_cast<int>(pieces.size())); });
  }

  static std::ptrdiff_t recv(int fd, std::span<std::byte> into, int flags = 0) noexcept {
    return retried([&] { return ::recv(fd, into.data(), into.size(), flags); });
  }
  static std::ptrdiff_t send(int fd, std::span<const std::byte> bytes, int flags = 0) noexcept {
    return retried([&] { return ::send(fd, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL); });
  }
  static std::ptrdiff_t sendmsg(int fd, std::span<const iovec> pieces) noexcept {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(pieces.size());
    return retried([&] { return ::sendmsg(fd, &message, MSG_NOSIGNAL); });
  }
  static std::ptrdiff_t recvfrom(int fd, std::span<std::byte> into, endpoint& from) noexcept {
    socklen_t length = endpoint::capacity();
    const std::ptrdiff_t n = retried(
        [&] { return ::recvfrom(fd, into.data(), into.size(), 0, from.data(), &length); });
    from.resize(n < 0 ? 0 : length);
    return n;
  }
  static std::ptrdiff_t sendto(int fd, std::span<const std::byte> bytes,
                               const endpoint& to) noexcept {
    return retried([&] {
      return ::sendto(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL, to.data(), to.size());
    });
  }

  static int socket(int family, int type) noexcept {
#if ASYNCORE_HAS_ATOMIC_FLAGS
    return result(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
#else
    return prepared(result(::socket(family, type, 0)));
#endif
  }
  static int bind(int fd, const endpoint& where) noexcept {
    return result(::bind(fd, where.data(), where.size()));
  }
  static int listen(int fd, int backlog) noexcept { return result(::listen(fd, backlog)); }

  /// EINTR is not retried: the attempt goes on all the same, as with EINPROGRESS (connect(2)).
  static int connect(int fd, const endpoint& to) noexcept {
    const int status = result(::connect(fd, to.data(), to.size()));
    return status == -EINTR ? -EINPROGRESS : status;
  }

  /// A connected socket; `from` is its peer.
  static int accept(int fd, endpoint& from) noexcept {
    socklen_t length = endpoint::capacity();
#if ASYNCORE_HAS_ATOMIC_FLAGS
    const int peer =
        result(::accept4(fd, from.data(), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
#else
    const int peer = prepared(result(::accept(fd, from.data(), &length)));
#endif
    from.resize(peer < 0 ? 0 : length);
    return peer;
  }
  static int shutdown(int fd, int how) noexcept { return result(::shutdown(fd, how)); }
  static int close(int fd) noexcept { return result(::close(fd)); }

  static int getsockname(int fd, endpoint& name) noexcept {
    socklen_t length = endpoint::capacity();
    const int status = result(::getsockname(fd, name.data(), &length));
    name.resize(status < 0 ? 0 : length);
    return status;
  }
  static int getpeername(int fd, endpoint& name) noexcept {
    socklen_t length = endpoint::capacity();
    const int status = result(::getpeername(fd, name.data(), &length));
    name.resize(status < 0 ? 0 : length);
    return status;
  }
  static int getsockopt(int fd, int level, int name, int& value) noexcept {
    socklen_t length = sizeof value;
    return result(::getsockopt(fd, level, name, &value, &length));
  }
  static int setsockopt(int fd, int level, int name, int value) noexcept {
    return result(::setsockopt(fd, level, name, &value, sizeof value));
  }

  /// What waits in the kernel is dropped when `fd` is closed, and the peer gets a reset (socket(7),
  /// SO_LINGER).
  static int reset_on_close(int fd) noexcept {
    const linger at_once{1, 0};
    return result(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  }

  /// A duplicate of `fd`, close-on-exec.
  static int dup(int fd) noexcept { return result(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }
  static int set_nonblocking(int fd) noexcept {
    const int flags = result(::fcntl(fd, F_GETFL));
    if (flags < 0 || (flags & O_NONBLOCK) != 0) return flags < 0 ? flags : 0;
    return result(::fcntl(fd, F_SETFL, flags | O_NONBLOCK));
  }

  /// The number of bytes that a read would find, where the descriptor can tell (FIONREAD).
  static int unread(int fd) noexcept {
    int bytes = 0;
    const int status = result(::ioctl(fd, FIONREAD, &bytes));
    return status < 0 ? status : bytes;
  }

  /// Drops what the error queue of a socket holds (recv(2), MSG_ERRQUEUE), or a part of it; returns
  /// how many messages. Sockets that have no such queue may ignore the flag.
  static int drop_errors([[maybe_unused]] int fd) noexcept {
    int count = 0;
#if defined(MSG_ERRQUEUE)
    constexpr int most = 64;
    for (msghdr message{}; count < most; ++count, message = {})
      if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 ||
          (message.msg_flags & MSG_ERRQUEUE) == 0)
        break;
#endif
    return count;
  }

  /// Monotonic time.
  static std::chrono::nanoseconds now() noexcept {
    return std::chrono::steady_clock::now().time_since_epoch();
  }

  /// What closes the descriptors of this system in a `unique_fd`; null: close(2).
  static const fd_closer* closer() noexcept { return nullptr; }

 private:
  static int result(int value) noexcept { return value < 0 ? -errno : value; }

  template <class Call>
  static std::ptrdiff_t retried(Call call) noexcept {
    for (;;) {
      const std::ptrdiff_t n = call();
      if (n > 0) [[likely]]
        return n;
      if (n == 0) return 0;
      if (errno != EINTR) return -errno;
    }
  }

  /// Keeps back the SIGPIPE that a write to a pipe without a reader raises in this thread: unlike
  /// a send, a write has no MSG_NOSIGNAL.
  template <class Call>
  static std::ptrdiff_t quietly(Call call) noexcept {
    sigset_t pipe, before, pending;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    const std::ptrdiff_t n = retried(call);
    if (::sigismember(&before, SIGPIPE) != 0) return n;  // whoever blocked it deals with it
    int taken = 0;
    if (n == -EPIPE && ::sigpending(&pending) == 0 && ::sigismember(&pending, SIGPIPE) != 0)
      ::sigwait(&pipe, &taken);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return n;
  }

#if !ASYNCORE_HAS_ATOMIC_FLAGS
  static int prepared(int fd) noexcept {
    if (fd < 0) return fd;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    set_nonblocking(fd);
    return fd;
  }
#endif
};

static_assert(system_calls<posix_system>);

}  // namespace asyncore

#endif

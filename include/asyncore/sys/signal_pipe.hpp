// SPDX-License-Identifier: BSL-1.0
/// A pipe into which signal handlers write which signal has come.
#ifndef ASYNCORE_SYS_SIGNAL_PIPE_HPP
#define ASYNCORE_SYS_SIGNAL_PIPE_HPP

#include <asyncore/sys/signal_handler.hpp>
#include <asyncore/word/config.hpp>

#include <cerrno>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace asyncore {

/// Catches signals by `sigaction`; a signal belongs to one pipe in the process. Calls return 0 or
/// a negative errno.
class signal_pipe {
 public:
  signal_pipe() noexcept = default;
  signal_pipe(const signal_pipe&) = delete;
  signal_pipe& operator=(const signal_pipe&) = delete;
  ~signal_pipe() { close(); }

  bool is_open() const noexcept { return ends_[0] >= 0; }

  /// The end to watch and read.
  int native_handle() const noexcept { return ends_[0]; }

  int open() noexcept {
#if ASYNCORE_HAS_ATOMIC_FLAGS
    return ::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
#else
    if (::pipe(ends_) < 0) return -errno;
    for (const int fd : ends_) {
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
      ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    return 0;
#endif
  }

  /// True for a signal by which the kernel reports a fault of the program. After a handler that
  /// returns, the same instruction would fault again, for ever.
  static constexpr bool is_fault(int number) noexcept {
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
  }

  int watch(int number) noexcept {
    return is_fault(number) ? -EINVAL : detail::signal_handler::watch(number, ends_[1]);
  }

  /// Takes what has come first; 0 when nothing has.
  int take() noexcept {
    if (detail::signal_handler::any_missed())
      if (const int number = take_missed()) return number;
    unsigned char number = 0;
    return ::read(ends_[0], &number, 1) == 1 ? number : 0;
  }

  void close() noexcept {
    if (!is_open()) return;
    detail::signal_handler::unwatch(ends_[1]);
    ::close(ends_[0]);
    ::close(ends_[1]);
    ends_[0] = ends_[1] = -1;
  }

 private:
  ASYNCORE_COLD int take_missed() noexcept {
    for (int number = 1; number < detail::signal_handler::limit; ++number)
      if (detail::signal_handler::missed(number, ends_[1])) return number;
    return 0;
  }

  int ends_[2] = {-1, -1};
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// A descriptor that becomes readable when a child process has ended.
#ifndef ASYNCORE_SYS_CHILD_WATCH_HPP
#define ASYNCORE_SYS_CHILD_WATCH_HPP

#include <asyncore/sys/pipe.hpp>
#include <asyncore/sys/signal_handler.hpp>
#include <asyncore/word/config.hpp>

#include <cerrno>

#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>
#if ASYNCORE_HAS_PIDFD
#include <sys/syscall.h>
#endif

namespace asyncore {

namespace detail {

/// Where the handler of SIGCHLD writes to, for kernels without pidfd. Any thread may use it.
class child_signals {
 public:
  static constexpr int limit = 1024;  // children watched at a time

  /// Has `fd` written to when any child ends. Returns 0 or a negative errno.
  static int add(int fd) noexcept {
    if (const int failed = signal_handler::listen(SIGCHLD, &tell)) return failed;
    for (int& each : fds_)
      if (replace(each, 0, fd + 1)) return 0;
    signal_handler::unlisten(SIGCHLD);
    return -EAGAIN;
  }

  /// No handler uses `fd` afterwards.
  static void remove(int fd) noexcept {
    for (int& each : fds_)
      if (replace(each, fd + 1, 0)) return signal_handler::unlisten(SIGCHLD);
  }

 private:
  static bool replace(int& place, int old, int by) noexcept {
    return __atomic_compare_exchange_n(&place, &old, by, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
  }

  static void tell() noexcept {
    for (int& each : fds_)
      if (const int fd = __atomic_load_n(&each, __ATOMIC_SEQ_CST) - 1; fd >= 0)
        while (::write(fd, "", 1) < 0 && errno == EINTR) continue;
  }

  static inline int fds_[limit] = {};  // plus one; 0: free
};

}  // namespace detail

/// A pidfd (pidfd_open(2)), or a pipe that the handler of SIGCHLD writes to. Calls return 0 or a
/// negative errno.
class child_watch {
 public:
  child_watch() noexcept = default;
  child_watch(const child_watch&) = delete;
  child_watch& operator=(const child_watch&) = delete;
  ~child_watch() { close(); }

  int native_handle() const noexcept { return ends_[0]; }

  /// Watches the child `pid`, which nobody has waited for; it is readable now if that has ended.
  /// `by_pidfd`: if the kernel has them.
  int open(pid_t pid, bool by_pidfd) noexcept {
    close();
#if ASYNCORE_HAS_PIDFD && defined(SYS_pidfd_open)
    if (by_pidfd) {
      ends_[0] = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
      if (ends_[0] >= 0) return 0;
      // Where SIGCHLD is ignored nobody has to wait for it, and it has ended.
      if (errno == ESRCH) return open_pipe();
      if (errno != ENOSYS && errno != EPERM) return -errno;  // EPERM: a sandbox does not know it
    }
#endif
    (void)pid, (void)by_pidfd;
    if (const int failed = open_pipe()) return failed;
    if (const int failed = detail::child_signals::add(ends_[1])) {
      close();
      return failed;
    }
    ring();  // it may have ended since
    return 0;
  }

  /// Sends the child `pid` a signal. By its pidfd that reaches no stranger who has its number, when
  /// somebody else has waited for it.
  int send_signal(pid_t pid, int number) noexcept {
#if ASYNCORE_HAS_PIDFD && defined(SYS_pidfd_send_signal)
    if (ends_[0] >= 0 && ends_[1] < 0)
      return ::syscall(SYS_pidfd_send_signal, ends_[0], number, nullptr, 0) < 0 ? -errno : 0;
#endif
    return ::kill(pid, number) < 0 ? -errno : 0;
  }

  /// What came of others: it is not readable any more until another child ends.
  void drain() noexcept {
    char bytes[64];
    while (ends_[1] >= 0 && ::read(ends_[0], bytes, sizeof bytes) > 0) continue;
  }

  /// It is readable, as a pidfd stays.
  void ring() noexcept {
    while (ends_[1] >= 0 && ::write(ends_[1], "", 1) < 0 && errno == EINTR) continue;
  }

  void close() noexcept {
    if (ends_[1] >= 0) {
      detail::child_signals::remove(ends_[1]);
      ::close(ends_[1]);
    }
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = ends_[1] = -1;
  }

 private:
  /// One that is readable.
  int open_pipe() noexcept {
    if (const int failed = make_pipe(ends_)) return failed;
    for (const int fd : ends_) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    ring();
    return 0;
  }

  int ends_[2] = {-1, -1};
};

}  // namespace asyncore

#endif

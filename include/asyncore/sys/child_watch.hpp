// SPDX-License-Identifier: BSL-1.0
/// A descriptor that becomes readable when a child process has ended.
#ifndef ASYNCORE_SYS_CHILD_WATCH_HPP
#define ASYNCORE_SYS_CHILD_WATCH_HPP

#include <asyncore/config.hpp>
#include <asyncore/sys/pipe.hpp>

#include <cerrno>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>
#if ASYNCORE_HAS_PIDFD
#include <sys/syscall.h>
#endif

namespace asyncore {

namespace detail {

/// Where the handler of SIGCHLD writes to, for kernels without pidfd: it is set up at the first
/// use, stays, and calls the one before it. Any thread may use it.
class child_signals {
 public:
  static constexpr int limit = 1024;  // children watched at a time

  /// Has `fd` written to when any child ends. Returns 0 or a negative errno.
  static int add(int fd) noexcept {
    static const int failed = catch_them();
    if (failed != 0) return failed;
    for (int& each : fds_) {
      int nobody = 0;
      if (__atomic_compare_exchange_n(&each, &nobody, fd + 1, false, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST))
        return 0;
    }
    return -EAGAIN;
  }

  static void remove(int fd) noexcept {
    for (int& each : fds_) {
      int own = fd + 1;
      if (__atomic_compare_exchange_n(&each, &own, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        break;
    }
    // A handler in another thread may be about to write.
    while (__atomic_load_n(&running_, __ATOMIC_SEQ_CST) != 0) ::sched_yield();
  }

 private:
  static int catch_them() noexcept {
    struct sigaction action {};
    action.sa_sigaction = &caught;
    action.sa_flags = SA_RESTART | SA_SIGINFO | SA_NOCLDSTOP;
    return ::sigaction(SIGCHLD, &action, &before_) < 0 ? -errno : 0;
  }

  static void caught(int number, siginfo_t* info, void* context) {
    const int saved = errno;
    __atomic_fetch_add(&running_, 1, __ATOMIC_SEQ_CST);
    for (int& each : fds_)
      if (const int fd = __atomic_load_n(&each, __ATOMIC_SEQ_CST) - 1; fd >= 0)
        while (::write(fd, "", 1) < 0 && errno == EINTR) continue;
    __atomic_fetch_sub(&running_, 1, __ATOMIC_SEQ_CST);
    errno = saved;
    if ((before_.sa_flags & SA_SIGINFO) != 0) return before_.sa_sigaction(number, info, context);
    if (before_.sa_handler != SIG_DFL && before_.sa_handler != SIG_IGN) before_.sa_handler(number);
  }

  static inline int fds_[limit] = {};  // plus one; 0: free
  static inline int running_ = 0;      // handlers
  static inline struct sigaction before_ {};
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

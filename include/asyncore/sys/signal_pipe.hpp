// SPDX-License-Identifier: BSL-1.0
/// A pipe into which signal handlers write which signal has come.
#ifndef ASYNCORE_SYS_SIGNAL_PIPE_HPP
#define ASYNCORE_SYS_SIGNAL_PIPE_HPP

#include <asyncore/config.hpp>
#include <asyncore/sys/home_process.hpp>

#include <cerrno>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

namespace asyncore {

namespace detail {
struct watched_signal {
  int fd = -1;  // where its handler writes; -1: nobody watches it
  bool missed = false;  // it came while the pipe was full
  unsigned forks = 0;   // of the process that watches it
  struct sigaction before {};
};
inline watched_signal watched_signals[65];
}  // namespace detail

/// Catches signals by `sigaction`; a signal belongs to one pipe in the process. In a process that is
/// forked meanwhile it does again what it did before, when it comes. Calls return 0 or a negative
/// errno.
class signal_pipe {
 public:
  static constexpr int limit = 65;  // signals are below

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

  int watch(int number) noexcept {
    if (number <= 0 || number >= limit) return -EINVAL;
    int nobody = -1;
    const unsigned forks = detail::count_forks();
    if (is_elsewhere(number)) give_back(number);
    if (!__atomic_compare_exchange_n(&entry(number).fd, &nobody, ends_[1], false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST))
      return nobody == ends_[1] ? 0 : -EBUSY;
    entry(number).forks = forks;
    __atomic_store_n(&entry(number).missed, false, __ATOMIC_SEQ_CST);
    struct sigaction action {};
    action.sa_handler = &caught;
    action.sa_flags = SA_RESTART;
    if (::sigaction(number, &action, &entry(number).before) == 0) return 0;
    const int error = errno;
    __atomic_store_n(&entry(number).fd, -1, __ATOMIC_SEQ_CST);
    return -error;
  }

  /// Takes what has come first; 0 when nothing has.
  int take() noexcept {
    if (__atomic_load_n(&any_missed, __ATOMIC_SEQ_CST))
      if (const int number = take_missed()) return number;
    unsigned char number = 0;
    return ::read(ends_[0], &number, 1) == 1 ? number : 0;
  }

  void close() noexcept {
    if (!is_open()) return;
    for (int number = 1; number < limit; ++number)
      if (__atomic_load_n(&entry(number).fd, __ATOMIC_SEQ_CST) == ends_[1]) give_back(number);
    // A handler in another thread may be about to write; a forked process has no other thread.
    while (!home_.left() && __atomic_load_n(&running, __ATOMIC_SEQ_CST) != 0) ::sched_yield();
    ::close(ends_[0]);
    ::close(ends_[1]);
    ends_[0] = ends_[1] = -1;
  }

 private:
  static detail::watched_signal& entry(int number) noexcept {
    return detail::watched_signals[number];
  }

  /// True when a process that has forked this one watches it.
  static bool is_elsewhere(int number) noexcept {
    return __atomic_load_n(&entry(number).fd, __ATOMIC_SEQ_CST) >= 0 &&
           entry(number).forks != detail::forks;
  }
  static void give_back(int number) noexcept {
    ::sigaction(number, &entry(number).before, nullptr);
    __atomic_store_n(&entry(number).fd, -1, __ATOMIC_SEQ_CST);
  }

  static void caught(int number) {
    const int saved = errno;
    if (is_elsewhere(number)) {  // the pipe is another process's; it comes again when this returns
      give_back(number);
      ::raise(number);
      errno = saved;
      return;
    }
    __atomic_fetch_add(&running, 1, __ATOMIC_SEQ_CST);
    const int fd = __atomic_load_n(&entry(number).fd, __ATOMIC_SEQ_CST);
    const auto byte = static_cast<unsigned char>(number);
    ssize_t written = 0;
    do {
      if (fd >= 0) written = ::write(fd, &byte, 1);
    } while (written < 0 && errno == EINTR);
    if (written < 0) {  // full of thousands that nobody has looked at
      __atomic_store_n(&entry(number).missed, true, __ATOMIC_SEQ_CST);
      __atomic_store_n(&any_missed, true, __ATOMIC_SEQ_CST);
    }
    __atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
    errno = saved;
  }

  ASYNCORE_COLD int take_missed() noexcept {
    for (int number = 1; number < limit; ++number)
      if (__atomic_load_n(&entry(number).fd, __ATOMIC_SEQ_CST) == ends_[1] &&
          __atomic_exchange_n(&entry(number).missed, false, __ATOMIC_SEQ_CST))
        return number;
    return 0;
  }

  static inline int running = 0;  // handlers
  static inline bool any_missed = false;  // ever

  int ends_[2] = {-1, -1};
  home_process home_;
};

}  // namespace asyncore

#endif

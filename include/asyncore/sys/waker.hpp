// SPDX-License-Identifier: BSL-1.0
/// A descriptor by which other threads and signal handlers end a loop's wait.
#ifndef ASYNCORE_SYS_WAKER_HPP
#define ASYNCORE_SYS_WAKER_HPP

#include <asyncore/word/config.hpp>

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <unistd.h>
#if ASYNCORE_HAS_EVENTFD
#include <sys/eventfd.h>
#endif

namespace asyncore {

/// What a system names as its `waker`: closed at first; `open` is called once, in the loop's
/// thread, which watches `native_handle()` for reading. An eventfd, or the two ends of a pipe.
class posix_waker {
 public:
  posix_waker() noexcept = default;
  posix_waker(const posix_waker&) = delete;
  posix_waker& operator=(const posix_waker&) = delete;
  ~posix_waker() {
    if (read_end_ >= 0) ::close(read_end_);
    if (write_end_ >= 0 && write_end_ != read_end_) ::close(write_end_);
  }

  /// Returns 0 or a negative errno.
  int open() noexcept {
#if ASYNCORE_HAS_EVENTFD
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) return -errno;
    read_end_ = fd;
    __atomic_store_n(&write_end_, fd, __ATOMIC_SEQ_CST);
#else
    int ends[2];
    if (::pipe(ends) < 0) return -errno;
    for (const int fd : ends) {
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
      ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    read_end_ = ends[0];
    __atomic_store_n(&write_end_, ends[1], __ATOMIC_SEQ_CST);
#endif
    return 0;
  }

  /// The end to watch, -1 before `open`.
  int native_handle() const noexcept { return read_end_; }

  /// Makes the descriptor readable, if there is one. Thread-safe, and safe in a signal handler.
  ASYNCORE_COLD void wake() noexcept {
    const int fd = __atomic_load_n(&write_end_, __ATOMIC_SEQ_CST);
    if (fd < 0) return;
    const int saved = errno;
    const std::uint64_t one = 1;
    // Full is as good as written; and an eventfd takes eight bytes, not fewer.
    while (::write(fd, &one, sizeof one) < 0 && errno == EINTR) continue;
    errno = saved;
  }

  /// It is not readable any more.
  void drain() noexcept {
    std::uint64_t counts[16];
    while (read_end_ >= 0 && ::read(read_end_, counts, sizeof counts) ==
                                 static_cast<ssize_t>(sizeof counts))
      continue;
  }

 private:
  int read_end_ = -1;
  int write_end_ = -1;
};

/// The waker of a system without one, such as the simulated kernel: other threads cannot end its
/// waits.
struct no_waker {
  static constexpr bool never_wakes = true;
  static int open() noexcept { return 0; }
  static int native_handle() noexcept { return -1; }
  static void wake() noexcept {}
  static void drain() noexcept {}
};

namespace detail {
template <class System>
struct waker_of {
  using type = no_waker;
};
template <class System>
  requires requires { typename System::waker; }
struct waker_of<System> {
  using type = typename System::waker;
};
}  // namespace detail

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// Whether this is still the process that made something, or one that was forked since.
#ifndef ASYNCORE_SYS_HOME_PROCESS_HPP
#define ASYNCORE_SYS_HOME_PROCESS_HPP

#include <pthread.h>

namespace asyncore {

namespace detail {

/// How often this process and those that it comes from have forked. The child's only thread raises
/// it before `fork` returns there, so that plain loads are enough.
inline unsigned forks = 0;

/// Has each fork counted from now on; returns the count.
inline unsigned count_forks() noexcept {
  static const int counted = ::pthread_atfork(nullptr, nullptr, [] { ++forks; });
  (void)counted;
  return forks;
}

}  // namespace detail

/// Remembers in which process it was made. A process that fork(2) made has left it; one that
/// vfork(2), posix_spawn(3) or a bare clone(2) made is not told apart, and may only exec.
class home_process {
 public:
  home_process() noexcept : forks_(detail::count_forks()) {}

  /// True in a process that was forked since. Constant time, without a system call, and safe in a
  /// signal handler.
  bool left() const noexcept { return forks_ != detail::forks; }

 private:
  unsigned forks_;
};

}  // namespace asyncore

#endif

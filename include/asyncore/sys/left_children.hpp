// SPDX-License-Identifier: BSL-1.0
/// Child processes that this one cannot end.
#ifndef ASYNCORE_SYS_LEFT_CHILDREN_HPP
#define ASYNCORE_SYS_LEFT_CHILDREN_HPP

#include <sys/types.h>
#include <sys/wait.h>

namespace asyncore::detail {

/// Children that run on after their channel has closed, because the kernel lets nobody kill them.
/// To wait for one would block the loop; `reap` takes those that have ended. Any thread may use it.
class left_children {
 public:
  static constexpr int limit = 256;  // one that finds no place is a zombie when it has ended

  static void add(pid_t child) noexcept {
    for (pid_t& each : children_)
      if (replace(each, 0, child)) return;
  }

  /// `child` is the number of another one: somebody else has waited for that which had it.
  static void forget(pid_t child) noexcept {
    for (pid_t& each : children_) replace(each, child, 0);
  }

  /// Waits for those that have ended.
  static void reap() noexcept {
    for (pid_t& each : children_) {
      const pid_t child = __atomic_exchange_n(&each, 0, __ATOMIC_SEQ_CST);
      if (child != 0 && ::waitpid(child, nullptr, WNOHANG) == 0) add(child);
    }
  }

 private:
  static bool replace(pid_t& place, pid_t old, pid_t by) noexcept {
    return __atomic_compare_exchange_n(&place, &old, by, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
  }

  static inline pid_t children_[limit] = {};  // 0: a free place
};

}  // namespace asyncore::detail

#endif

// SPDX-License-Identifier: BSL-1.0
/// What decides, besides the number of channels, whether `run` goes on.
#ifndef ASYNCORE_WORD_RUN_HOLDS_HPP
#define ASYNCORE_WORD_RUN_HOLDS_HPP

#include <cstddef>

#include <sched.h>

namespace asyncore::detail {

/// Counts the channels that `run` does not go on for, and the work that it does go on for. By the
/// compilers' builtins, as in stop_flag.hpp. The end of work is modelled in
/// test/model/work_guard.pml.
class run_holds {
 public:
  run_holds() noexcept = default;
  run_holds(const run_holds&) = delete;
  run_holds& operator=(const run_holds&) = delete;

  /// For the loop's thread: the channels in its map that do not count.
  /// @{
  void add_unref(bool one) noexcept { unref_ += one; }
  void remove_unref(bool one) noexcept { unref_ -= one; }
  /// @}

  /// True while `run` goes on with so many channels.
  bool any(std::size_t channels) const noexcept { return channels != unref_ || any_work(); }

  /// Thread-safe, as what follows.
  void add_work() noexcept { __atomic_fetch_add(&work_, 1, __ATOMIC_SEQ_CST); }
  bool any_work() const noexcept { return __atomic_load_n(&work_, __ATOMIC_SEQ_CST) > 0; }

  /// Calls `wake()`, which may need the loop, when no work is left.
  template <class Wake>
  void remove_work(Wake wake) noexcept {
    __atomic_fetch_add(&leaving_, 1, __ATOMIC_SEQ_CST);
    if (__atomic_sub_fetch(&work_, 1, __ATOMIC_SEQ_CST) == 0) wake();
    __atomic_fetch_sub(&leaving_, 1, __ATOMIC_SEQ_CST);
  }

  /// Waits until no thread is in `remove_work`: the loop may end afterwards.
  void wait_until_left() const noexcept {
    while (__atomic_load_n(&leaving_, __ATOMIC_SEQ_CST) > 0) ::sched_yield();
  }

 private:
  std::size_t unref_ = 0;
  std::size_t work_ = 0;
  std::size_t leaving_ = 0;  // threads in `remove_work`
};

}  // namespace asyncore::detail

#endif

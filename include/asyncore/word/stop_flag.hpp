// SPDX-License-Identifier: BSL-1.0
/// A flag that any thread and any signal handler may raise.
#ifndef ASYNCORE_WORD_STOP_FLAG_HPP
#define ASYNCORE_WORD_STOP_FLAG_HPP

namespace asyncore {

/// An atomic bool. By the compilers' builtins, because <atomic> triples what including the
/// library costs.
class stop_flag {
 public:
  stop_flag() noexcept = default;
  stop_flag(const stop_flag&) = delete;
  stop_flag& operator=(const stop_flag&) = delete;

  /// Thread-safe and async-signal-safe.
  void raise() noexcept { __atomic_store_n(&raised_, true, __ATOMIC_SEQ_CST); }
  void lower() noexcept { __atomic_store_n(&raised_, false, __ATOMIC_SEQ_CST); }
  bool raised() const noexcept { return __atomic_load_n(&raised_, __ATOMIC_SEQ_CST); }

 private:
  bool raised_ = false;
};

}  // namespace asyncore

#endif

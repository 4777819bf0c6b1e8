// SPDX-License-Identifier: BSL-1.0
/// Channels that wait for a descriptor, for a place below their limit, or for kernel memory.
#ifndef ASYNCORE_LOOP_ACCEPT_THROTTLE_HPP
#define ASYNCORE_LOOP_ACCEPT_THROTTLE_HPP

#include <asyncore/word/token.hpp>
#include <asyncore/word/wake_time.hpp>

#include <utility>

namespace asyncore::detail {

/// Remembers them until a channel leaves the map, or until a time: descriptors are also freed by
/// others. A few are remembered by name; when there are more, every channel is asked.
class accept_throttle {
 public:
  /// `listener` waits until `retry` at the latest.
  void add(token listener, wake_time retry) noexcept {
    if (count_ < most) waiting_[count_] = listener;
    if (count_ <= most) ++count_;
    if (retry < retry_) retry_ = retry;
  }

  /// When they try again; each turn while they wait for a channel that leaves.
  wake_time retry() const noexcept { return retry_; }

  /// A descriptor may be free now. Returns whether somebody waits for one.
  bool release() noexcept {
    if (retry_.is_never()) return false;
    retry_ = wake_time::at_once();
    return true;
  }

  /// Forgets all, and calls `one(token)` for each, or `all()` when there were too many.
  template <class One, class All>
  void resume(One one, All all) {
    retry_ = wake_time::never();
    const unsigned count = std::exchange(count_, 0u);
    if (count > most) return all();
    for (unsigned i = 0; i < count; ++i) one(waiting_[i]);
  }

 private:
  static constexpr unsigned most = 4;
  wake_time retry_ = wake_time::never();
  token waiting_[most];
  unsigned count_ = 0;  // at most one more than are remembered
};

}  // namespace asyncore::detail

#endif

// SPDX-License-Identifier: BSL-1.0
/// Keeps `run` going while work is out: `keep_running`.
#ifndef ASYNCORE_WORK_GUARD_HPP
#define ASYNCORE_WORK_GUARD_HPP

#include <asyncore/loop.hpp>

#include <utility>

namespace asyncore {

/// While it lives, `run` of its loop does not end for want of channels, timers and posts; `stop`
/// ends it all the same. Any thread may have it and release it: with work that is done elsewhere,
/// and whose result is posted before the release. `keep_running` is thread-safe, too, while
/// something else keeps `run` going. `drain` waits for work, at most until its time. The loop
/// outlives its guards: at its end it aborts with a sentence while one is out. Movable only.
template <class Loop>
class work_guard {
 public:
  /// Holds no loop.
  work_guard() noexcept = default;
  work_guard(work_guard&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)) {}
  work_guard& operator=(work_guard&& other) noexcept {
    if (this != &other) {
      release();
      loop_ = std::exchange(other.loop_, nullptr);
    }
    return *this;
  }
  ~work_guard() { release(); }

  /// `run` may end. The last guard of a loop wakes it. The loop may be destroyed as soon as its
  /// `run` has ended for that, also before this call returns.
  void release() noexcept {
    if (Loop* const loop = std::exchange(loop_, nullptr)) channel_access::core(*loop).work_is_done();
  }

  /// True while it holds a loop.
  explicit operator bool() const noexcept { return loop_ != nullptr; }

 private:
  template <class, class>
  friend class basic_loop;
  explicit work_guard(Loop& loop) noexcept : loop_(&loop) {}

  Loop* loop_ = nullptr;
};

template <class Poller, class Map>
work_guard<basic_loop<Poller, Map>> basic_loop<Poller, Map>::keep_running() noexcept {
  this->holds().add_work();
  return work_guard<basic_loop>(*this);
}

}  // namespace asyncore

#endif

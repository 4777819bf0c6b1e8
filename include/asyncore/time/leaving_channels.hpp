// SPDX-License-Identifier: BSL-1.0
/// The channels that have been told to close when they are done.
#ifndef ASYNCORE_TIME_LEAVING_CHANNELS_HPP
#define ASYNCORE_TIME_LEAVING_CHANNELS_HPP

#include <asyncore/loop_service.hpp>
#include <asyncore/time/timer_queue.hpp>
#include <asyncore/token.hpp>

#include <cstddef>
#include <vector>

namespace asyncore::detail {

/// One for each loop in which `close_when_done` has been called: finds what looks after a channel
/// when that closes, so that channels that never leave so need not remember anything.
template <class Loop>
class leaving_channels : public loop_service<Loop> {
 public:
  /// Looks after one channel; `act`, given no loop, deletes it.
  struct watch : timed<Loop> {
    watch(typename timed<Loop>::action look, void* c, token t,
          std::chrono::nanoseconds linger) noexcept
        : timed<Loop>(look), channel(c), id(t), period(linger) {}
    void* channel;
    token id;
    std::chrono::nanoseconds period;
    bool lingered = false;  // when it was last looked at
  };

  explicit leaving_channels(Loop&) noexcept
      : loop_service<Loop>(service_operations<Loop, leaving_channels>) {}

  /// Calls `look` after `period`. Throws bad_alloc.
  void add(Loop& loop, void* channel, token id, typename timed<Loop>::action look,
           std::chrono::nanoseconds period) {
    const auto at = static_cast<std::size_t>(id.fd);
    if (at >= by_fd_.size()) by_fd_.resize(at + 1 + at / 4);
    if (by_fd_[at] != nullptr) drop(loop, by_fd_[at]);
    by_fd_[at] = new watch(look, channel, id, period);
    look_later(loop, *by_fd_[at]);
  }
  void look_later(Loop& loop, watch& w) {
    loop.template service<timer_queue<Loop>>().arm(w, deadline_after(loop.now(), w.period), loop);
  }

  /// The channel of this token does not leave any more: it is gone.
  void forget(Loop& loop, token id) noexcept {
    const auto at = static_cast<std::size_t>(id.fd);
    if (at < by_fd_.size() && by_fd_[at] != nullptr && by_fd_[at]->id == id)
      drop(loop, by_fd_[at]);
  }

  bool may_wait(Loop&) const noexcept { return true; }
  void after_wait(Loop&) const noexcept {}
  std::chrono::nanoseconds next() const noexcept { return never; }
  bool busy() const noexcept { return false; }

 private:
  static void drop(Loop& loop, watch*& w) noexcept {
    loop.template service<timer_queue<Loop>>().disarm(*w);
    delete w;
    w = nullptr;
  }

  std::vector<watch*> by_fd_;
};

}  // namespace asyncore::detail

#endif

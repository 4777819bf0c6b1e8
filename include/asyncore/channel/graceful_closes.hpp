// SPDX-License-Identifier: BSL-1.0
/// The channels that have been told to close when they are done.
#ifndef ASYNCORE_CHANNEL_GRACEFUL_CLOSES_HPP
#define ASYNCORE_CHANNEL_GRACEFUL_CLOSES_HPP

#include <asyncore/concept/loop_service.hpp>
#include <asyncore/map/probing_table.hpp>
#include <asyncore/time/timer_queue.hpp>
#include <asyncore/word/timeout.hpp>
#include <asyncore/word/token.hpp>

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

  /// Throws bad_alloc. The timers are made first: what is added later has one.
  explicit leaving_channels(Loop& loop)
      : loop_service<Loop>(service_operations<Loop, leaving_channels>) {
    loop.template service<timer_queue<Loop>>();
  }

  /// Calls `look` after `period`. Throws bad_alloc.
  void add(Loop& loop, void* channel, token id, typename timed<Loop>::action look,
           std::chrono::nanoseconds period) {
    if (watches_.holds(id.fd)) [[unlikely]]
      forget_earlier(loop, id.fd);
    if (watches_.size() == watches_.capacity()) watches_.grow();
    auto* const made = new watch(look, channel, id, period);
    watches_.insert(id, *made);
    look_later(loop, *made);
  }
  void look_later(Loop& loop, watch& w) {
    loop.template service<timer_queue<Loop>>().arm(w, deadline_after(loop.now(), w.period), loop);
  }

  /// The channel of this token does not leave any more: it is gone.
  void forget(Loop& loop, token id) noexcept {
    watch* const w = watches_.find(id);
    if (w == nullptr) return;
    loop.template service<timer_queue<Loop>>().disarm(*w);
    watches_.erase(id);
    delete w;
  }

  bool may_wait(Loop&) const noexcept { return true; }
  void after_wait(Loop&) const noexcept {}
  wake_time next() const noexcept { return wake_time::never(); }
  bool busy() const noexcept { return false; }

 private:
  /// The watch of a channel that had the descriptor before, and left without a word.
  void forget_earlier(Loop& loop, int fd) noexcept {
    token earlier;
    watches_.for_each([&](watch&, token id) {
      if (id.fd == fd) earlier = id;
    });
    forget(loop, earlier);
  }

  probing_table<watch> watches_{4};  // by channel: memory for those that leave, whatever their number
};

}  // namespace asyncore::detail

#endif

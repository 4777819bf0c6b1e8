// SPDX-License-Identifier: BSL-1.0
/// A time by which something has to happen on a channel.
#ifndef ASYNCORE_DEADLINE_HPP
#define ASYNCORE_DEADLINE_HPP

#include <asyncore/concept/channel_access.hpp>
#include <asyncore/concept/fwd.hpp>
#include <asyncore/concept/hooks.hpp>
#include <asyncore/concept/kind.hpp>
#include <asyncore/time/timer_queue.hpp>
#include <asyncore/word/timeout.hpp>

namespace asyncore {

/// A second base of a channel, `struct session : dispatcher<session, loop>, deadline<session,
/// loop>`, which defines `handle_timeout()`: called in a turn when the deadline has passed, as a
/// hook of that channel, once unless it is set again. The channel keeps it in itself, without an
/// allocation. It lasts until it is cleared or the channel closes; one that passes while the
/// channel is in no loop is dropped.
template <class Derived, class Loop = default_loop>
class deadline : timed<channel_access::core_of<Loop>> {
 public:
  deadline(const deadline&) = delete;
  deadline& operator=(const deadline&) = delete;

  /// The deadline is `delay` from now on (see `basic_loop::now`), instead of the one there was;
  /// zero or less: the next turn. To be called again at each sign of life: to move it to a later
  /// time is a comparison and a store. A channel that has closed gets none. Throws
  /// bad_alloc, when it is the first of its loop, and `std::system_error`, EBADF, for a channel that
  /// has not been opened yet.
  template <class Rep, class Period>
  void set_deadline(std::chrono::duration<Rep, Period> delay) {
    set_deadline_at(detail::deadline_after(loop_of_channel().now(), detail::in_nanoseconds(delay)));
  }

  /// The same at a time of the clock of `basic_loop::now`; `never`: there is none.
  void set_deadline_at(std::chrono::nanoseconds time) {
    due_ = time;
    if (due_ < this->when) rearm_deadline();
  }

  /// When it is; `never` when there is none.
  std::chrono::nanoseconds deadline_time() const noexcept { return due_; }

  /// There is none any more.
  void clear_deadline() noexcept { due_ = never; }

  /// True until it has passed, once it is set.
  bool has_deadline() const noexcept { return due_ != never; }

  /// The same for the kinds, whatever names the members of the class have.
  friend bool asyncore_has_deadline(const deadline& one) noexcept { return one.has_deadline(); }

 protected:
  deadline() noexcept : timed<channel_access::core_of<Loop>>(&passed) {}
  ~deadline() {
    if (!this->unlinked()) queue_->disarm(*this);
  }

 private:
  using core_type = channel_access::core_of<Loop>;
  using queue_type = timer_queue<core_type>;

  Derived& self() noexcept { return static_cast<Derived&>(*this); }
  core_type& loop_of_channel() noexcept {
    return channel_access::core(detail::as_kind(self()).loop());
  }

  void rearm_deadline() {
    core_type& loop = loop_of_channel();
    if (detail::as_kind(self()).native_handle() < 0) {
      due_ = never;
      if (detail::as_kind(self()).has_closed()) return;
      detail::throw_error(errno_code(EBADF), "set_deadline: the channel has no descriptor");
    }
    if (!this->unlinked()) queue_->disarm(*this);
    queue_ = &loop.template service<queue_type>();
    queue_->arm(*this, due_, loop);
  }

  /// The time has come at which it was armed; the deadline may have moved meanwhile.
  static void passed(timed<core_type>& node, core_type* loop) {
    auto& self = static_cast<deadline&>(node);
    self.when = never;
    if (loop == nullptr || self.due_ == never) return;
    if (self.due_ > loop->now()) return self.rearm_deadline();
    self.due_ = never;
    Derived& channel = self.self();
    static_assert(detail::defines_handle_timeout<Derived>(),
                  "asyncore: a channel with a deadline defines `void handle_timeout()`");
    if (detail::as_kind(channel).registered())
      loop->call_hook(channel, "handle_timeout", [&] { channel.handle_timeout(); });
  }

  std::chrono::nanoseconds due_ = never;
  queue_type* queue_ = nullptr;
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// The end of a loop that lets its channels finish: `drain`.
#ifndef ASYNCORE_DRAIN_HPP
#define ASYNCORE_DRAIN_HPP

#include <asyncore/concept/loop_service.hpp>
#include <asyncore/loop.hpp>

namespace asyncore {

namespace detail {

/// Ends `run` when the loop is empty, or at its time.
template <class Loop>
class drain_service : public loop_service<Loop> {
 public:
  explicit drain_service(Loop&) noexcept
      : loop_service<Loop>(service_operations<Loop, drain_service>) {}

  /// Ends at `when`; returns whether it did not drain yet.
  bool start(Loop& loop, std::chrono::nanoseconds when) noexcept {
    if (when < loop.now()) when = loop.now();  // as far back as a clock reaches, and no sum of that
    end_ = when;
    loop.wake_by(next_end());
    return !std::exchange(draining_, true);
  }

  bool may_wait(Loop& loop) const noexcept { return !draining_ || loop.holds().any(loop.size()); }

  void after_wait(Loop& loop) {
    if (!draining_) return;
    // What is posted, or comes of work that is out, may be a channel.
    const bool ends = next_end().has_time() && next_end().has_come(loop.now());
    if (!ends && (loop.holds().any(loop.size()) || !loop.mail().empty())) return;
    loop.close_all(true);
    draining_ = false;
    loop.bell_.stop_request().raise();
  }

  wake_time next() const noexcept { return draining_ ? next_end() : wake_time::never(); }
  bool busy() const noexcept { return draining_; }

 private:
  // Each turn is worth a look whether all have finished.
  wake_time next_end() const noexcept {
    return end_ == never ? wake_time::each_turn() : wake_time::at(end_);
  }

  std::chrono::nanoseconds end_ = never;
  bool draining_ = false;
};

}  // namespace detail

template <class Poller, class Map>
template <class Rep, class Period>
void basic_loop<Poller, Map>::drain(std::chrono::duration<Rep, Period> within) {
  auto& draining = service<detail::drain_service<basic_loop>>();
  if (!draining.start(*this, detail::deadline_after(now(), detail::in_nanoseconds(within)))) return;
  ask_again_ = true;
  const hooks_scope hooks(*this);
  restore_scope scope(*this);
  map_.for_each([&](record& r) { r.link_before(scope.left_); });
  while (!scope.left_.unlinked()) {
    record& r = scope.next();
    const token id = r.id();
    visit_before_wait(r);
    detail::guarded([&] { channels::template perform<detail::op::drain>(r); },
                    [&] { hook_failed(id); });
  }
  if (!in_turn_) reap();
}

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// What a loop does for the functions that other threads post.
#ifndef ASYNCORE_LOOP_POST_SERVICE_HPP
#define ASYNCORE_LOOP_POST_SERVICE_HPP

#include <asyncore/concept/loop_service.hpp>
#include <asyncore/loop/mailbox.hpp>

#include <utility>

namespace asyncore::detail {

/// Calls what has been posted. Those that wait at its begin are called in one turn, at most
/// `batch`, so that posts which post do not keep the loop from its channels. A part of the loop,
/// which attaches it when the first post arrives: that allocates nothing, and loops that nobody
/// posts to do not look into the mailbox.
template <class Loop>
class post_service : public loop_service<Loop> {
 public:
  static constexpr bool part_of_loop = true;
  static constexpr int batch = 1024;

  /// How long a loop without a waker waits at most, so that others are heard in time.
  static constexpr std::chrono::nanoseconds deaf_wait = std::chrono::milliseconds(100);

  post_service() noexcept : loop_service<Loop>(service_operations<Loop, post_service>) {}

  bool attached() const noexcept { return attached_; }
  void set_attached() noexcept { attached_ = true; }

  /// The loop has no waker; it looks for one again at `when`.
  void look_for_waker(std::chrono::nanoseconds when) noexcept { look_at_ = when; }
  void found_waker() noexcept { look_at_ = never; }
  bool deaf() const noexcept { return look_at_ != never; }

  bool may_wait(Loop& loop) noexcept {
    return !loop.mail().collected() && loop.mail().fall_asleep();
  }

  void after_wait(Loop& loop) {
    if (deaf() && look_at_ <= loop.now()) [[unlikely]]
      loop.look_for_waker();
    loop.mail().wake_up();
    loop.mail().collect();
    for (int left = batch; left > 0; --left) {
      posted* const p = loop.mail().next();
      if (p == nullptr) return;
      p->act(p, &loop);
    }
  }

  /// Looked after in every turn, whatever the time.
  wake_time next() const noexcept {
    return deaf() ? wake_time::at(look_at_) : wake_time::each_turn();
  }
  static bool busy() noexcept { return false; }  // what is posted is waited for all the same

 private:
  std::chrono::nanoseconds look_at_ = never;
  bool attached_ = false;
};

/// A posted function with its call, which ends with it.
template <class F, class Loop>
struct posted_function : posted {
  template <class From>
  explicit posted_function(From&& from)
      : posted{[](posted* self, void* loop) {
          const owner own{static_cast<posted_function*>(self)};
          if (loop == nullptr) return;
          static_cast<Loop*>(loop)->run_callback("a posted function", own.p->f);
        }},
        f(std::forward<From>(from)) {}
  struct owner {
    ~owner() { delete p; }
    posted_function* p;
  };
  F f;
};

}  // namespace asyncore::detail

#endif

// SPDX-License-Identifier: BSL-1.0
/// Functions that other threads have a loop call: `post`.
#ifndef ASYNCORE_POST_HPP
#define ASYNCORE_POST_HPP

#include <asyncore/loop.hpp>
#include <asyncore/loop_service.hpp>

#include <type_traits>
#include <utility>

namespace asyncore {

namespace detail {

template <class F, class Loop>
struct posted_function : posted {
  template <class From>
  explicit posted_function(From&& from)
      : posted{[](posted* self, void* loop) {
          const owner own{static_cast<posted_function*>(self)};
          if (loop == nullptr) return;
          static_cast<Loop*>(loop)->call_guarded("a posted function", own.p->f);
        }},
        f(std::forward<From>(from)) {}
  struct owner {
    ~owner() { delete p; }
    posted_function* p;
  };
  F f;
};

/// Calls what has been posted. Those that wait at its begin are called in one turn, at most
/// `batch`, so that posts which post do not keep the loop from its channels.
template <class Loop>
class post_service : public loop_service<Loop> {
 public:
  static constexpr int batch = 1024;

  explicit post_service(Loop&) noexcept
      : loop_service<Loop>(service_operations<Loop, post_service>) {}

  bool may_wait(Loop& loop) noexcept {
    return !loop.box().collected() && loop.box().fall_asleep();
  }

  void after_wait(Loop& loop) {
    loop.box().wake_up();
    loop.box().collect();
    for (int left = batch; left > 0; --left) {
      posted* const p = loop.box().next();
      if (p == nullptr) return;
      p->act(p, &loop);
    }
  }

  /// Looked after in every turn, whatever the time.
  std::chrono::nanoseconds next() const noexcept { return every_turn; }
  static bool busy() noexcept { return false; }  // what is posted is waited for all the same
};

/// As it is initialised before `main`, loops look after posts only in programs that post.
template <class Loop>
struct posts_wanted {
  static inline const bool yes = (Loop::attach_posts = [](Loop& loop) {
    loop.template service<post_service<Loop>>();
  }) != nullptr;
};

}  // namespace detail

template <class Poller, class Map>
template <class F>
void basic_loop<Poller, Map>::post(F&& f) {
  static_assert(std::is_invocable_v<std::decay_t<F>&>,
                "asyncore: what is posted is a function without arguments");
  (void)detail::waker_wanted<basic_loop>::yes;
  (void)detail::posts_wanted<basic_loop>::yes;
  if (box_.push(new detail::posted_function<std::decay_t<F>, basic_loop>(std::forward<F>(f))))
    waker_.wake();
}

}  // namespace asyncore

#endif

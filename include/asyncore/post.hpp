// SPDX-License-Identifier: BSL-1.0
/// Functions that other threads have a loop call: `post`.
#ifndef ASYNCORE_POST_HPP
#define ASYNCORE_POST_HPP

#include <asyncore/loop.hpp>
#include <asyncore/loop/mailbox.hpp>

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

}  // namespace detail

template <class Poller, class Map>
template <class F>
void basic_loop<Poller, Map>::post(F&& f) {
  static_assert(std::is_invocable_v<std::decay_t<F>&>,
                "asyncore: what is posted is a function without arguments");
  using function = detail::posted_function<std::decay_t<F>, basic_loop>;
  if (bell_.mail().push(new function(std::forward<F>(f)))) bell_.ring();
}

}  // namespace asyncore

#endif

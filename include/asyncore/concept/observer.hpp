// SPDX-License-Identifier: BSL-1.0
/// Where hooks are called that somebody may want to time.
#ifndef ASYNCORE_CONCEPT_OBSERVER_HPP
#define ASYNCORE_CONCEPT_OBSERVER_HPP

#include <asyncore/word/duration.hpp>
#include <asyncore/word/type_name.hpp>

#include <string_view>
#include <type_traits>

namespace asyncore::detail {

/// True when a loop's poller has an observer that is told of hooks (see poller/observed.hpp).
template <class Loop>
concept observes_hooks = requires(Loop& loop, std::string_view text, std::chrono::nanoseconds t) {
  loop.observer().hook(text, text, t);
};

/// While a hook runs. What it calls that is timed by itself does not count.
template <class Loop>
class hook_scope {
 public:
  hook_scope(Loop& loop, std::string_view channel, std::string_view hook)
      : loop_(loop), channel_(channel), hook_(hook), begin_(loop.system().now()),
        around_(loop.observer().enter(this)) {}
  hook_scope(const hook_scope&) = delete;
  hook_scope& operator=(const hook_scope&) = delete;
  ~hook_scope() {
    const std::chrono::nanoseconds took = loop_.system().now() - begin_;
    loop_.observer().enter(around_);
    if (around_ != nullptr) static_cast<hook_scope*>(around_)->inside_ += took;
    loop_.observer().hook(channel_, hook_, took - inside_);
  }

 private:
  Loop& loop_;
  std::string_view channel_;
  std::string_view hook_;
  std::chrono::nanoseconds begin_;
  std::chrono::nanoseconds inside_{0};
  void* around_;
};

/// Calls `f`, a hook of a `Channel` (void: of none); an observed loop is told how long it took.
template <class Channel, class Loop, class F>
[[gnu::always_inline]] inline void observe([[maybe_unused]] Loop& loop,
                                           [[maybe_unused]] const char* hook, F&& f) {
  if constexpr (observes_hooks<Loop>) {
    std::string_view name;
    if constexpr (!std::is_void_v<Channel>) name = type_name<Channel>();
    const hook_scope<Loop> scope(loop, name, hook);
    f();
  } else {
    f();
  }
}

}  // namespace asyncore::detail

#endif

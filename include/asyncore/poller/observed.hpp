// SPDX-License-Identifier: BSL-1.0
/// An adaptor that tells an observer what the loop does.
#ifndef ASYNCORE_POLLER_OBSERVED_HPP
#define ASYNCORE_POLLER_OBSERVED_HPP

#include <asyncore/concept/observer.hpp>
#include <asyncore/concept/poller.hpp>
#include <asyncore/poller/sink_tap.hpp>
#include <asyncore/sys/observed_system.hpp>

#include <string_view>
#include <type_traits>
#include <utility>

namespace asyncore {

namespace detail {

template <class O>
concept hears_turns = requires(O& o, std::chrono::nanoseconds busy) { o.turn(busy); };
template <class O>
concept hears_events = requires(O& o) { o.event(); };
template <class O>
concept hears_hooks = requires(O& o, std::string_view text, std::chrono::nanoseconds took) {
  o.hook(text, text, took);
};

/// An observer, and the hook that runs.
template <class O, bool Hooks>
struct watching : O {};
template <class O>
struct watching<O, true> : O {
  /// Returns what ran until now.
  void* enter(void* scope) noexcept { return std::exchange(running, scope); }
  void* running = nullptr;
};

}  // namespace detail

/// `Poller`, whose loop tells an `Observer`, found by `loop.observer()`, what it does. With `o` an
/// observer, of these members those that it has, and all of them noexcept:
///
/// | expression                     | called                                                       |
/// |--------------------------------|--------------------------------------------------------------|
/// | `o.turn(busy)`                 | before each wait but the first; `busy`: since the last one ended, which is how long what came meanwhile has waited: the lag of the loop |
/// | `o.event()`                    | for each report of the poller                                |
/// | `o.hook(channel, name, took)`  | after the hook `name` of a class `channel` (string_views that last), with the system calls that the library made for it, without other hooks that it called; a timer or a posted function has no `channel` |
/// | `o.received(n)`, `o.sent(n)`   | after a system call of a channel moved `n` bytes, at least 1 |
///
/// What an observer has no member for costs nothing: with none of them the code is that of
/// `Poller`. Times are those of the loop's system. In the thread of the loop.
template <class Poller, class Observer>
class observed : public Poller {
  static constexpr bool turns = detail::hears_turns<Observer>;
  static constexpr bool events = detail::hears_events<Observer>;
  static constexpr bool bytes = detail::hears_bytes<Observer>;

 public:
  using Poller::Poller;
  using observer_type = Observer;
  using system = std::conditional_t<bytes, observed_system<typename Poller::system, Observer>,
                                    typename Poller::system>;

  auto& observer() noexcept { return observer_; }
  const auto& observer() const noexcept { return observer_; }

  decltype(auto) get_system() noexcept
    requires(bytes || requires(Poller& p) { p.get_system(); })
  {
    if constexpr (bytes) {
      return system(inner_system(), observer_);
    } else {
      return Poller::get_system();
    }
  }

  template <class Sink>
  int wait(timeout_type timeout, Sink sink) {
    if constexpr (turns) {
      if (awake_since_.count() != 0) observer_.turn(now() - awake_since_);
      awake_since_ = {};
    }
    if constexpr (turns || events) {
      const int n = Poller::wait(timeout, detail::preceded(sink, [this] {
                                   if constexpr (turns) wake();
                                   if constexpr (events) observer_.event();
                                 }));
      if constexpr (turns) wake();
      return n;
    } else {
      return Poller::wait(timeout, std::move(sink));
    }
  }

 private:
  struct nothing {};

  decltype(auto) inner_system() noexcept {
    if constexpr (requires(Poller& p) { p.get_system(); }) {
      return Poller::get_system();
    } else {
      return typename Poller::system{};
    }
  }
  std::chrono::nanoseconds now() noexcept { return inner_system().now(); }
  void wake() noexcept {
    if (awake_since_.count() == 0) awake_since_ = now();
  }

  [[no_unique_address]] detail::watching<Observer, detail::hears_hooks<Observer>> observer_;
  // Since the wait has ended; 0 while it waits.
  [[no_unique_address]] std::conditional_t<turns, std::chrono::nanoseconds, nothing>
      awake_since_{};
};

}  // namespace asyncore

#endif

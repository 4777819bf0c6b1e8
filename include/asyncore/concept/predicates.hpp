// SPDX-License-Identifier: BSL-1.0
/// `readable` and `writable`: when they are asked and what they answer.
#ifndef ASYNCORE_CONCEPT_PREDICATES_HPP
#define ASYNCORE_CONCEPT_PREDICATES_HPP

#include <concepts>
#include <type_traits>

namespace asyncore {

/// When the loop asks the predicates of a class that defines them as member functions.
enum class predicate_mode {
  constant,    // never: there are none, or they are `static constexpr bool`
  every_turn,  // before each wait, as in Python
  on_rearm     // after the channel's own hooks, and after `rearm()`
};

/// `static constexpr auto predicates = asyncore::ask_on_rearm;` in a channel: its answers change
/// only in its own hooks or are followed by `rearm()`, so a turn costs O(ready channels).
inline constexpr predicate_mode ask_on_rearm = predicate_mode::on_rearm;

/// The mode of a class that has predicates and does not say anything: asked before each wait.
inline constexpr predicate_mode ask_every_turn = predicate_mode::every_turn;

namespace detail {

struct named_readable {
  int readable;
};
struct named_writable {
  int writable;
};
template <class T, class Named>
struct predicate_probe : T, Named {};

template <class T>
concept constant_readable = std::is_same_v<decltype(T::readable), const bool>;
template <class T>
concept constant_writable = std::is_same_v<decltype(T::writable), const bool>;
template <class T>
concept asks_readable = requires(T& self) {
  { self.readable() } -> std::convertible_to<bool>;
};
template <class T>
concept asks_writable = requires(T& self) {
  { self.writable() } -> std::convertible_to<bool>;
};

template <class T>
consteval bool has_readable() {
  if constexpr (std::is_final_v<T>) {
    return constant_readable<T> || asks_readable<T>;
  } else {
    return !requires { &predicate_probe<T, named_readable>::readable; };
  }
}
template <class T>
consteval bool has_writable() {
  if constexpr (std::is_final_v<T>) {
    return constant_writable<T> || asks_writable<T>;
  } else {
    return !requires { &predicate_probe<T, named_writable>::writable; };
  }
}

template <class T>
constexpr void check_predicates() {
  static_assert(!has_readable<T>() || constant_readable<T> || asks_readable<T>,
                "asyncore: the channel's predicate readable cannot be asked by the loop: make it "
                "public, and either `bool readable()` or `static constexpr bool readable`");
  static_assert(!has_writable<T>() || constant_writable<T> || asks_writable<T>,
                "asyncore: the channel's predicate writable cannot be asked by the loop: make it "
                "public, and either `bool writable()` or `static constexpr bool writable`");
}

/// When `T` is asked.
template <class T>
constexpr predicate_mode mode_of() {
  if constexpr (!asks_readable<T> && !asks_writable<T>) {
    return predicate_mode::constant;
  } else if constexpr (requires { T::predicates; }) {
    static_assert(std::is_same_v<decltype(T::predicates), const predicate_mode>,
                  "asyncore: write `static constexpr auto predicates = asyncore::ask_on_rearm;`, "
                  "or asyncore::ask_every_turn");
    return T::predicates;
  } else {
    return predicate_mode::every_turn;
  }
}

/// The answer of `readable`; true where there is none, as in Python.
template <class T>
bool ask_readable([[maybe_unused]] T& channel) {
  if constexpr (asks_readable<T>) {
    return channel.readable();
  } else if constexpr (constant_readable<T>) {
    return T::readable;
  } else {
    return true;
  }
}

/// The answer of `writable`; true where there is none, as in Python.
template <class T>
bool ask_writable([[maybe_unused]] T& channel) {
  if constexpr (asks_writable<T>) {
    return channel.writable();
  } else if constexpr (constant_writable<T>) {
    return T::writable;
  } else {
    return true;
  }
}

}  // namespace detail
}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// Which kind of channel a class is, whatever names its own members have.
#ifndef ASYNCORE_CONCEPT_KIND_HPP
#define ASYNCORE_CONCEPT_KIND_HPP

#include <type_traits>

namespace asyncore::detail {

/// Hooks that not every kind calls; a set of bits.
inline constexpr unsigned calls_connect = 1;     // and those that accept
inline constexpr unsigned calls_watermarks = 2;  // those of an out-queue
inline constexpr unsigned calls_terminator = 4;  // those of an async_chat
inline constexpr unsigned calls_signal = 8;
inline constexpr unsigned calls_exit = 16;
inline constexpr unsigned calls_nothing_else = 32;  // and has no call that is of use without hooks

/// What a kind of channel says of itself, by a friend that only argument-dependent lookup finds:
///     friend detail::kind_tag<file_dispatcher> asyncore_kind(file_dispatcher*) { return {}; }
/// Of several the overload resolution takes the kind that is nearest to the class.
template <class Kind, unsigned Calls = 0>
struct kind_tag {
  using type = Kind;
  static constexpr unsigned calls = Calls;
};

/// The kind of channel that `T` is: the nearest of its bases that belongs to the library.
template <class T>
using kind_of = typename decltype(asyncore_kind(static_cast<T*>(nullptr)))::type;

template <class T>
inline constexpr unsigned kind_calls = decltype(asyncore_kind(static_cast<T*>(nullptr)))::calls;

/// True when `Derived` is a defined class that is derived from `Channel`.
template <class Derived, class Channel>
consteval bool is_its_channel() {
  if constexpr (requires { sizeof(Derived); }) {
    return std::is_base_of_v<Channel, Derived>;
  } else {
    return false;
  }
}

/// The channel as its kind. What loops and kinds need of each other they call by this, so that a
/// member of the class that happens to have such a name is not called instead.
template <class T>
[[gnu::always_inline]] inline kind_of<T>& as_kind(T& channel) noexcept {
  return channel;
}

}  // namespace asyncore::detail

#endif

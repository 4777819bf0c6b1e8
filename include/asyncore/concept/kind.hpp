// SPDX-License-Identifier: BSL-1.0
/// Which kind of channel a class is, whatever names its own members have.
#ifndef ASYNCORE_CONCEPT_KIND_HPP
#define ASYNCORE_CONCEPT_KIND_HPP

namespace asyncore::detail {

/// What a kind of channel says of itself, by a friend that only argument-dependent lookup finds:
///     friend detail::kind_tag<file_dispatcher> asyncore_kind(file_dispatcher*) { return {}; }
/// Of several the overload resolution takes the kind that is nearest to the class.
template <class Kind>
struct kind_tag {
  using type = Kind;
};

/// The kind of channel that `T` is: the nearest of its bases that belongs to the library.
template <class T>
using kind_of = typename decltype(asyncore_kind(static_cast<T*>(nullptr)))::type;

/// The channel as its kind. What loops and kinds need of each other they call by this, so that a
/// member of the class that happens to have such a name is not called instead.
template <class T>
[[gnu::always_inline]] inline kind_of<T>& as_kind(T& channel) noexcept {
  return channel;
}

}  // namespace asyncore::detail

#endif

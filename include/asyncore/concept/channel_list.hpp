// SPDX-License-Identifier: BSL-1.0
/// The types of channels that a map may hold.
#ifndef ASYNCORE_CONCEPT_CHANNEL_LIST_HPP
#define ASYNCORE_CONCEPT_CHANNEL_LIST_HPP

#include <asyncore/concept/registration.hpp>

#include <cstdint>
#include <type_traits>

namespace asyncore {

namespace detail {
struct operations;
}

/// A map names it as its `channels`. With types the set is closed: the loop tells them apart by a
/// small number. Without any it is open: every channel carries a pointer to the functions of its
/// type. The types may be only declared.
template <class... Channels>
struct channel_list {
  static constexpr bool closed = sizeof...(Channels) > 0;
  static_assert(sizeof...(Channels) < 256,
                "asyncore: a closed set holds at most 255 types of channels");

  /// What names a channel's type at run time.
  using type_ref = std::conditional_t<closed, std::uint8_t, const detail::operations*>;
  /// What a map holds of each channel.
  using record = registration<type_ref>;

  template <class T>
  static constexpr bool contains = !closed || (std::is_same_v<T, Channels> || ...);
};

}  // namespace asyncore

#endif

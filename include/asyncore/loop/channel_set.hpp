// SPDX-License-Identifier: BSL-1.0
/// Calls the functions of a channel of one of the types of a map.
#ifndef ASYNCORE_LOOP_CHANNEL_SET_HPP
#define ASYNCORE_LOOP_CHANNEL_SET_HPP

#include <asyncore/concept/channel_list.hpp>
#include <asyncore/loop/channel_operations.hpp>

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace asyncore {

/// `List`: the `channel_list` of a map.
template <class List>
class channel_set;

/// A closed set: a channel's type is a small number, and the code for every type stands in the
/// turn itself, chosen by comparisons, so that hooks inline and no call is indirect.
template <class... Channels>
class channel_set<channel_list<Channels...>> {
 public:
  using type_ref = typename channel_list<Channels...>::type_ref;
  using record = typename channel_list<Channels...>::record;

  /// What stands for `T` at run time.
  template <class T>
  static consteval type_ref ref() noexcept {
    unsigned index = 0;
    (void)((std::is_same_v<T, Channels> || (++index, false)) || ...);
    return static_cast<type_ref>(index);
  }

  /// `Op::on(channel)` with the channel's own type.
  template <class Op>
  [[gnu::always_inline]] static decltype(auto) perform(record& r) {
    return choose<Op, 0, sizeof...(Channels)>(r);
  }

  /// True when some type answers differently from turn to turn.
  template <predicate_mode Mode>
  static consteval bool any_asked() {
    return ((detail::mode_of<Channels>() == Mode) || ...);
  }

 private:
  static constexpr auto types = boost::hana::tuple_t<Channels...>;

  // Halving needs no jump table, which would be an indirect jump.
  template <class Op, std::size_t First, std::size_t Last>
  [[gnu::always_inline]] static decltype(auto) choose(record& r) {
    if constexpr (Last - First == 1) {
      using channel_type =
          typename std::remove_cvref_t<decltype(types[boost::hana::size_c<First>])>::type;
      static_assert(detail::check_registered<channel_type, record>());
      return Op::on(static_cast<channel_type&>(r));
    } else {
      constexpr std::size_t middle = First + (Last - First) / 2;
      if (r.type() < middle) return choose<Op, First, middle>(r);
      return choose<Op, middle, Last>(r);
    }
  }
};

/// The open set: any channel, by one indirect call through the constant table of its type.
template <>
class channel_set<channel_list<>> {
 public:
  using type_ref = channel_list<>::type_ref;
  using record = channel_list<>::record;

  template <class T>
  static constexpr type_ref ref() noexcept {
    return &detail::operations_of<T>;
  }

  template <class Op>
  static decltype(auto) perform(record& r) {
    return (r.type()->*Op::entry)(r);
  }

  template <predicate_mode>
  static consteval bool any_asked() {
    return true;
  }
};

}  // namespace asyncore

#endif

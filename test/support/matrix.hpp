// SPDX-License-Identifier: BSL-1.0
/// Every poller with every map, closed and open, for BOOST_AUTO_TEST_CASE_TEMPLATE.
#pragma once

#include <asyncore.hpp>

#include <boost/hana/ap.hpp>
#include <boost/hana/cartesian_product.hpp>
#include <boost/hana/size.hpp>
#include <boost/hana/transform.hpp>
#include <boost/hana/unpack.hpp>

#include <cstddef>
#include <tuple>
#include <utility>

#if defined(TEST_SIMULATED)
#include "kernel.hpp"
#endif

namespace test {

/// Kinds of maps: `of<Channels...>` is the map with that list.
struct dense {
  template <class... Channels>
  using of = asyncore::fd_table<Channels...>;
};
struct fixed {
  static constexpr std::size_t room = 64;
  template <class... Channels>
  using of = asyncore::fixed_fd_table<room, Channels...>;
};
struct hashed {
  template <class... Channels>
  using of = asyncore::hash_map<Channels...>;
};

/// A place in the matrix. A test's channels are templates over it, so that a closed list can name
/// them before they are defined:
///
///     template <class Place> struct reader;
///     template <class Place> using loop_of = typename Place::template loop<reader<Place>>;
///     template <class Place>
///     struct reader : asyncore::channel<reader<Place>, loop_of<Place>> { ... };
template <class Poller, class MapKind, bool Closed>
struct place {
  using poller = Poller;
  using map_kind = MapKind;
  static constexpr bool closed = Closed;

  template <bool, class... Channels>
  struct map_of {
    using type = typename MapKind::template of<Channels...>;
  };
  template <class... Channels>
  struct map_of<false, Channels...> {
    using type = typename MapKind::template of<>;
  };

  template <class... Channels>
  using loop = asyncore::basic_loop<Poller, typename map_of<Closed, Channels...>::type>;
};

#if !defined(TEST_SIMULATED)
namespace detail {
namespace hana = boost::hana;

inline constexpr auto places = hana::transform(
    hana::cartesian_product(hana::make_tuple(asyncore::pollers,
                                             hana::tuple_t<dense, fixed, hashed>,
                                             hana::make_tuple(hana::true_c, hana::false_c))),
    [](auto row) {
      using poller = typename decltype(+row[hana::size_c<0>])::type;
      using map_kind = typename decltype(+row[hana::size_c<1>])::type;
      return hana::type_c<place<poller, map_kind, decltype(+row[hana::size_c<2>])::value>>;
    });

/// Half of the places, like the squares of one colour on a board: every poller meets every map, each
/// closed in about half of them. All of them take twice as long to compile; test/run --full
/// compiles one half with each compiler.
#if defined(TEST_OTHER_HALF)
inline constexpr std::size_t colour = 1;
#else
inline constexpr std::size_t colour = 0;
#endif
template <std::size_t... Rows>
constexpr auto squares(std::index_sequence<Rows...>) {
  return hana::make_tuple(
      places[hana::size_c<2 * Rows + (Rows / 3 + Rows % 3 + colour) % 2>]...);
}
inline constexpr auto chosen =
    squares(std::make_index_sequence<decltype(hana::size(places))::value / 2>{});

template <class... Types>
std::tuple<typename Types::type...> as_std_tuple(Types...);
}  // namespace detail
#endif

#if defined(TEST_SIMULATED)
/// The places on the simulated kernel: every poller.
using matrix = std::tuple<place<on_current<asyncore::sim_epoll_poller>, dense, true>,
                          place<on_current<asyncore::sim_poll_poller>, hashed, false>,
                          place<on_current<asyncore::sim_select_poller>, fixed, true>>;
using one_a_poller = matrix;
#else
/// The places to test in, as a std::tuple of types: 3 pollers x 3 maps, closed or open; with
/// TEST_OTHER_HALF those that are left.
using matrix = decltype(boost::hana::unpack(
    detail::chosen, [](auto... types) { return detail::as_std_tuple(types...); }));

/// One place for each poller.
using one_a_poller = std::tuple<
#if ASYNCORE_HAS_EPOLL
    place<asyncore::epoll_poller, dense, true>,
#endif
    place<asyncore::poll_poller, hashed, false>, place<asyncore::select_poller, fixed, true>>;
#endif

}  // namespace test

// SPDX-License-Identifier: BSL-1.0
#include <asyncore/map/fixed_fd_table.hpp>

#include "model.hpp"

namespace {

using test::map_model;
template <std::size_t N>
using table = asyncore::fixed_fd_table<N>;
using tables = std::tuple<table<1>, table<2>, table<3>, table<16>, table<100>,
                          asyncore::fixed_fd_table<16, test::declared_channel>>;

template <class>
constexpr std::size_t room = 0;
template <std::size_t N, class... Channels>
constexpr std::size_t room<asyncore::fixed_fd_table<N, Channels...>> = N;

BOOST_AUTO_TEST_SUITE(fixed_fd_table)

BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE_TEMPLATE(agrees_with_a_map, Map, tables) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    Map map;
    map_model(map, seed).churn(2'000, test::sparse_descriptors(2 * room<Map>, 1 + int(seed) * 37),
                               room<Map>);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(refuses_one_more_than_it_has_room_for, Map, tables) {
  Map map;
  map_model model(map, 1);
  for (int fd = 0; fd < static_cast<int>(room<Map>); ++fd) model.insert(fd * 1'000);
  BOOST_TEST((map.room_for(1) == std::errc::no_buffer_space));
  model.check();
  model.churn(1, {0}, room<Map>);  // erases it
  BOOST_TEST(map.size() == room<Map> - 1);
  BOOST_TEST(!map.room_for(1));
  model.insert(1);
  BOOST_TEST((map.room_for(2) == std::errc::no_buffer_space));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

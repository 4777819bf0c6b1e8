// SPDX-License-Identifier: BSL-1.0
#include <asyncore/map/fd_table.hpp>

#include "model.hpp"

namespace {

using test::map_model;
using tables = std::tuple<asyncore::fd_table<>, asyncore::fd_table<test::declared_channel>>;

BOOST_AUTO_TEST_SUITE(fd_table)

BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE_TEMPLATE(agrees_with_a_map, Map, tables) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    Map map;
    map_model(map, seed).churn(2'000, test::dense_descriptors(40), 30);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(takes_sparse_descriptors, Map, tables) {
  Map map;
  map_model(map, 1).churn(500, test::sparse_descriptors(20, 9'973), 20);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(grows, Map, tables) {
  Map map;
  map_model model(map, 1);
  for (int fd = 0; fd < 3'000; ++fd) {
    model.insert(fd);
    if (fd % 100 == 0) model.check();
  }
  model.check();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(tells_a_reused_descriptor_apart, Map, tables) {
  Map map;
  map_model model(map, 1);
  const asyncore::token old = model.insert(7);
  model.erase(old);
  BOOST_TEST((map.find(old) == nullptr));
  const asyncore::token now = model.insert(7);
  BOOST_TEST((map.find(old) == nullptr));
  BOOST_TEST((map.find(now) != nullptr));
}

BOOST_AUTO_TEST_CASE(has_room_for_any_descriptor_once) {
  asyncore::fd_table<> map;
  BOOST_TEST(!map.room_for(0));
  BOOST_TEST(!map.room_for(1'000'000));
  map_model model(map, 1);
  model.insert(5);
  BOOST_TEST((map.room_for(5) == std::errc::file_exists));
  BOOST_TEST(!map.room_for(4));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

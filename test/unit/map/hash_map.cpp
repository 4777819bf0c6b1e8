// SPDX-License-Identifier: BSL-1.0
#include <asyncore/map/hash_map.hpp>

#include "model.hpp"

#include <climits>

namespace {

using test::map_model;
using maps = std::tuple<asyncore::hash_map<>, asyncore::hash_map<test::declared_channel>>;

BOOST_AUTO_TEST_SUITE(hash_map)

BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE_TEMPLATE(agrees_with_a_map, Map, maps) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    Map map;
    map_model(map, seed).churn(2'000, test::dense_descriptors(40), 30);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(takes_sparse_descriptors, Map, maps) {
  for (const int stride : {2, 16, 64, 1'024, 65'536, 1'000'003}) {
    Map map;
    map_model(map, 1).churn(2'000, test::sparse_descriptors(200, stride), 150);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(takes_the_highest_descriptor, Map, maps) {
  Map map;
  map_model model(map, 1);
  model.insert(INT_MAX);
  model.insert(0);
  model.check();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(grows, Map, maps) {
  Map map;
  map_model model(map, 1);
  for (int i = 0; i < 600; ++i) {
    model.insert(3 + i * 17);
    if (i % 20 == 0) model.check();
  }
  model.churn(600, test::sparse_descriptors(1'000, 17), 900);
}

BOOST_AUTO_TEST_CASE(has_room_for_a_descriptor_once) {
  asyncore::hash_map<> map;
  map_model model(map, 1);
  model.insert(5);
  BOOST_TEST((map.room_for(5) == std::errc::file_exists));
  BOOST_TEST(!map.room_for(4));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

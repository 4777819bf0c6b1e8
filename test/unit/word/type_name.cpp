// SPDX-License-Identifier: BSL-1.0
#include <asyncore/word/type_name.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace somewhere {
struct channel {};
template <class...>
struct pair {};
template <class T>
auto local() {
  struct inside {};
  return inside{};
}
}  // namespace somewhere

namespace {

using asyncore::type_name;
using somewhere::pair;

static_assert(type_name<int>() == "int");

BOOST_AUTO_TEST_SUITE(type_names)

BOOST_AUTO_TEST_CASE(are_qualified) {
  BOOST_TEST(type_name<somewhere::channel>() == "somewhere::channel");
  BOOST_TEST(type_name<somewhere::channel*>().substr(0, 18) == "somewhere::channel");
}

BOOST_AUTO_TEST_CASE(are_whole) {
  BOOST_TEST((type_name<pair<int, char>>() == "somewhere::pair<int, char>"));
  const std::string array(type_name<pair<int[3], char>>());
  BOOST_TEST(array.ends_with(", char>"));
  using local = decltype(somewhere::local<int>());
  const std::string in_function(type_name<pair<local>>());
  BOOST_TEST(in_function.ends_with("inside>"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

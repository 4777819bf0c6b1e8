// SPDX-License-Identifier: BSL-1.0
#include <asyncore/sys/socket.hpp>

#include <boost/test/unit_test.hpp>

#include <type_traits>
#include <utility>

#include "../../support/descriptors.hpp"

namespace {

using asyncore::unique_fd;
using test::is_open;
using tested = asyncore::socket;

static_assert(!std::is_copy_constructible_v<tested> && !std::is_copy_assignable_v<tested>);
static_assert(std::is_nothrow_move_constructible_v<tested>);
static_assert(!std::is_convertible_v<int, tested>);

BOOST_AUTO_TEST_SUITE(socket_)

BOOST_AUTO_TEST_CASE(is_none_at_first) {
  const tested none;
  BOOST_TEST(none.native_handle() == -1);
  BOOST_TEST(!none);
  BOOST_TEST(!none.prepared());
}

BOOST_AUTO_TEST_CASE(closes_what_nobody_takes_over) {
  test::ends pair = test::socket_pair();
  const int number = pair.near.get();
  {
    const tested s(pair.near.release());
    BOOST_TEST(s.native_handle() == number);
    BOOST_TEST(is_open(number));
  }
  BOOST_TEST(!is_open(number));
}

BOOST_AUTO_TEST_CASE(closes_when_it_is_told) {
  test::ends pair = test::socket_pair();
  const int number = pair.near.get();
  tested s(std::move(pair.near));
  s.close();
  BOOST_TEST(!s);
  BOOST_TEST(!is_open(number));
  s.close();
}

BOOST_AUTO_TEST_CASE(gives_up_what_is_released) {
  test::ends pair = test::socket_pair();
  tested s(std::move(pair.near));
  const unique_fd released(s.release());
  BOOST_TEST(!s);
  BOOST_TEST(is_open(released.get()));
}

BOOST_AUTO_TEST_CASE(moves) {
  test::ends pair = test::socket_pair();
  const int number = pair.near.get();
  tested from = tested::accepted(std::move(pair.near));
  tested to(std::move(from));
  BOOST_TEST(!from);
  BOOST_TEST(to.native_handle() == number);
  BOOST_TEST(to.prepared());
  tested other;
  other = std::move(to);
  BOOST_TEST(other.native_handle() == number);
  BOOST_TEST(other.prepared());
}

BOOST_AUTO_TEST_CASE(knows_whether_a_system_prepared_it) {
  test::ends pair = test::socket_pair();
  BOOST_TEST(tested::accepted(std::move(pair.near)).prepared());
  BOOST_TEST(!tested(std::move(pair.far)).prepared());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

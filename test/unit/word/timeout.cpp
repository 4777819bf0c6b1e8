// SPDX-License-Identifier: BSL-1.0
#include <asyncore/word/timeout.hpp>

#include <boost/test/unit_test.hpp>

#include <climits>
#include <limits>

namespace {

using asyncore::timeout_type;
using asyncore::to_milliseconds;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(timeout)

BOOST_AUTO_TEST_CASE(nothing_is_for_ever) { BOOST_TEST(to_milliseconds({}) == -1); }

BOOST_AUTO_TEST_CASE(zero_or_less_does_not_wait) {
  BOOST_TEST(to_milliseconds(0ns) == 0);
  BOOST_TEST(to_milliseconds(-1ns) == 0);
  BOOST_TEST(to_milliseconds(-1h) == 0);
  BOOST_TEST(to_milliseconds(std::chrono::nanoseconds::min()) == 0);
}

// Law 11.
BOOST_AUTO_TEST_CASE(is_rounded_up) {
  BOOST_TEST(to_milliseconds(1ns) == 1);
  BOOST_TEST(to_milliseconds(999'999ns) == 1);
  BOOST_TEST(to_milliseconds(1ms) == 1);
  BOOST_TEST(to_milliseconds(1'000'001ns) == 2);
  BOOST_TEST(to_milliseconds(2ms) == 2);
  BOOST_TEST(to_milliseconds(30s) == 30'000);
  for (long long n = 1; n < 5'000'000; n += 999) {
    const long long milliseconds = to_milliseconds(std::chrono::nanoseconds(n));
    BOOST_REQUIRE_GE(milliseconds * 1'000'000, n);
    BOOST_REQUIRE_LT((milliseconds - 1) * 1'000'000, n);
  }
}

BOOST_AUTO_TEST_CASE(what_an_int_does_not_hold_is_the_most_it_does) {
  BOOST_TEST(to_milliseconds(std::chrono::milliseconds(INT_MAX)) == INT_MAX);
  BOOST_TEST(to_milliseconds(std::chrono::milliseconds(INT_MAX) - 1ns) == INT_MAX);
  BOOST_TEST(to_milliseconds(std::chrono::milliseconds(INT_MAX) + 1ns) == INT_MAX);
  BOOST_TEST(to_milliseconds(std::chrono::nanoseconds::max()) == INT_MAX);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

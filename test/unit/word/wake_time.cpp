// SPDX-License-Identifier: BSL-1.0
// When a wait has to end at the latest.
#include <asyncore/word/wake_time.hpp>

#include <boost/test/unit_test.hpp>

#include <limits>

namespace {

using asyncore::wake_time;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(wake_times)

BOOST_AUTO_TEST_CASE(come_in_the_order_at_once_a_time_each_turn_never) {
  const wake_time in_order[] = {wake_time::at_once(), wake_time::at(1ns), wake_time::at(2ns),
                                wake_time::at(std::chrono::nanoseconds::max() - 1ns),
                                wake_time::each_turn(), wake_time::never()};
  for (const wake_time& one : in_order)
    for (const wake_time& other : in_order) {
      BOOST_TEST((one < other) == (&one < &other));
      BOOST_TEST((one == other) == (&one == &other));
    }
}

BOOST_AUTO_TEST_CASE(a_time_that_has_passed_is_at_once) {
  BOOST_TEST((wake_time::at(0ns) == wake_time::at_once()));
  BOOST_TEST((wake_time::at(-5s) == wake_time::at_once()));
}

BOOST_AUTO_TEST_CASE(the_last_time_of_the_clock_is_never) {
  BOOST_TEST(wake_time::at(asyncore::never).is_never());
  BOOST_TEST(!wake_time::each_turn().is_never());
}

BOOST_AUTO_TEST_CASE(a_time_comes_and_each_turn_does_not) {
  BOOST_TEST(wake_time::at(5ns).has_come(5ns));
  BOOST_TEST(!wake_time::at(5ns).has_come(4ns));
  BOOST_TEST(wake_time::at_once().has_come(1ns));
  BOOST_TEST(!wake_time::each_turn().has_come(asyncore::never));
  BOOST_TEST(!wake_time::never().has_come(asyncore::never));
  BOOST_TEST(!wake_time::each_turn().has_time());
  BOOST_TEST((wake_time::at(5s).left(2s) == 3s));
  BOOST_TEST((wake_time::at(2s).left(5s) == -3s));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

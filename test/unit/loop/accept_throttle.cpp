// SPDX-License-Identifier: BSL-1.0
// Listeners that wait for a descriptor, without a loop.
#include <asyncore/loop/accept_throttle.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

namespace {

using asyncore::token;
using asyncore::wake_time;
using namespace std::chrono_literals;

struct resumed {
  std::vector<int> one;
  int all = 0;
};

resumed resume(asyncore::detail::accept_throttle& throttle) {
  resumed what;
  throttle.resume([&](token t) { what.one.push_back(t.fd); }, [&] { ++what.all; });
  return what;
}

BOOST_AUTO_TEST_SUITE(accept_throttle)

BOOST_AUTO_TEST_CASE(nobody_waits_at_first) {
  asyncore::detail::accept_throttle throttle;
  BOOST_TEST(throttle.retry().is_never());
  BOOST_TEST(!throttle.release());
  BOOST_TEST(throttle.retry().is_never());
}

BOOST_AUTO_TEST_CASE(the_nearest_time_counts) {
  asyncore::detail::accept_throttle throttle;
  throttle.add({3, 1}, wake_time::each_turn());
  BOOST_TEST((throttle.retry() == wake_time::each_turn()));
  throttle.add({4, 2}, wake_time::at(9s));
  throttle.add({5, 3}, wake_time::at(7s));
  throttle.add({6, 4}, wake_time::at(8s));
  BOOST_TEST((throttle.retry() == wake_time::at(7s)));
}

BOOST_AUTO_TEST_CASE(a_free_descriptor_has_them_try_at_once) {
  asyncore::detail::accept_throttle throttle;
  throttle.add({3, 1}, wake_time::at(9s));
  BOOST_TEST(throttle.release());
  BOOST_TEST((throttle.retry() == wake_time::at_once()));
}

BOOST_AUTO_TEST_CASE(each_is_resumed_once) {
  asyncore::detail::accept_throttle throttle;
  for (int fd = 3; fd < 7; ++fd) throttle.add({fd, 1}, wake_time::each_turn());
  const resumed first = resume(throttle);
  BOOST_TEST(first.one == (std::vector<int>{3, 4, 5, 6}), boost::test_tools::per_element());
  BOOST_TEST(first.all == 0);
  BOOST_TEST(throttle.retry().is_never());
  const resumed second = resume(throttle);
  BOOST_TEST(second.one.empty());
  BOOST_TEST(second.all == 0);
}

BOOST_AUTO_TEST_CASE(too_many_are_all_asked) {
  asyncore::detail::accept_throttle throttle;
  for (int fd = 3; fd < 100; ++fd) throttle.add({fd, 1}, wake_time::each_turn());
  const resumed what = resume(throttle);
  BOOST_TEST(what.one.empty());
  BOOST_TEST(what.all == 1);
}

// A listener that is resumed may have to wait again.
BOOST_AUTO_TEST_CASE(one_that_is_resumed_may_be_added) {
  asyncore::detail::accept_throttle throttle;
  throttle.add({3, 1}, wake_time::at_once());
  throttle.resume([&](token t) { throttle.add(t, wake_time::at(5s)); }, [] {});
  BOOST_TEST((throttle.retry() == wake_time::at(5s)));
  BOOST_TEST(resume(throttle).one.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

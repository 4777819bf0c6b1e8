// SPDX-License-Identifier: BSL-1.0
// What pollers report unasked or for ever, and what a wait does to the clock. The real kernel is
// right; the simulated one is held to it by the same cases.
#include <boost/test/unit_test.hpp>

#include <chrono>

#include "../../support/descriptors.hpp"
#include "reports.hpp"

namespace {

using namespace test;

constexpr readiness in = readiness::read, out = readiness::write, hup = readiness::hangup;

BOOST_FIXTURE_TEST_SUITE(quirks, test::world)

// Law 4: those that cannot be masked.
BOOST_AUTO_TEST_CASE_TEMPLATE(hangups_come_unasked, Poller, all_pollers) {
  ends pipe = pipe_to_near();
  Poller poller;
  const token t{pipe.near.get(), 1};
  BOOST_REQUIRE(!poller.add(t, interest::none));
  pipe.far.reset();
  const bool by_select = requires { Poller::fd_limit; };
  BOOST_TEST(wait(poller) == (by_select ? reports() : reports({{t, hup}})));
  poller.remove(t);
  BOOST_TEST(wait(poller).empty());
}

// Law 6: epoll watches what a descriptor stands for, and that lives as long as a duplicate.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_duplicate_goes_on_reporting, Poller, all_pollers) {
  if (Poller::name.find("epoll") == Poller::name.npos) return;
  kernel::be_careless();
  ends pipe = pipe_to_near();
  Poller poller;
  const token t{pipe.near.get(), 1};
  BOOST_REQUIRE(!poller.add(t, interest::read));
  unique_fd copy = copy_of(pipe.near.get());
  put(pipe.far, "x");
  pipe.near.reset();
  BOOST_TEST(wait(poller) == reports({{t, in}}));
  copy.reset();
  BOOST_TEST(wait(poller).empty());
}

// Law 7.
BOOST_AUTO_TEST_CASE_TEMPLATE(files_are_always_ready, Poller, all_pollers) {
  const unique_fd file = file_of("");
  Poller poller;
  const token t{file.get(), 1};
  BOOST_REQUIRE(!poller.add(t, interest::read | interest::write));
  BOOST_TEST(wait(poller, {}) == reports({{t, in | out}}));
  BOOST_REQUIRE(!poller.modify(t, interest::none));
  BOOST_TEST(wait(poller).empty());
  poller.remove(t);
}

// Law 11: a wait takes its time, in the clock that channels see.
BOOST_AUTO_TEST_CASE_TEMPLATE(waits_move_the_clock, Poller, all_pollers) {
  const ends pipe = pipe_to_near();
  Poller poller;
  const token t{pipe.near.get(), 1};
  BOOST_REQUIRE(!poller.add(t, interest::read));
  const auto before = sys().now();
  BOOST_TEST(wait(poller, std::chrono::microseconds(1500)).empty());
  BOOST_TEST((sys().now() - before >= std::chrono::microseconds(1500)));
  put(pipe.far, "x");
  const auto start = sys().now();
  BOOST_TEST(wait(poller, std::chrono::hours(1)).size() == 1u);
  BOOST_TEST((sys().now() - start < std::chrono::minutes(1)));
  poller.remove(t);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

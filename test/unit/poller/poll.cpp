// SPDX-License-Identifier: BSL-1.0
#include <asyncore/poller/poll.hpp>

#include "../../support/descriptor_limit.hpp"
#include "../../support/descriptors.hpp"
#include "reports.hpp"

#include <algorithm>
#include <vector>

namespace {

using namespace test;
using asyncore::poll_poller;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(poll)

BOOST_AUTO_TEST_CASE(knows_what_it_does_not_watch) {
  poll_poller poller;
  BOOST_TEST((poller.modify({3, 1}, interest::read) == std::errc::no_such_file_or_directory));
  BOOST_REQUIRE(!poller.add({3, 1}, interest::none));
  poller.remove({3, 1});
  poller.remove({3, 1});
  poller.remove({1'000'000, 1});
  BOOST_TEST((poller.modify({3, 1}, interest::read) == std::errc::no_such_file_or_directory));
}

BOOST_AUTO_TEST_CASE(takes_high_descriptors) {
  poll_poller poller;
  ends pipe = pipe_to_near();
  const unique_fd high = checked(::fcntl(pipe.near.get(), F_DUPFD_CLOEXEC, 900));
  put(pipe.far, "x");
  BOOST_REQUIRE(!poller.add({high.get(), 1}, interest::read));
  BOOST_TEST(wait(poller) == reports({{{high.get(), 1}, readiness::read}}));
  poller.remove({high.get(), 1});
  BOOST_TEST(wait(poller).empty());
}

BOOST_AUTO_TEST_CASE(reports_a_descriptor_that_is_not_open_as_hung_up) {
  poll_poller poller;
  int closed = -1;
  {
    const ends pipe = pipe_to_near();
    closed = pipe.near.get();
  }
  BOOST_REQUIRE(!poller.add({closed, 1}, interest::read));
  const reports all = wait(poller);
  BOOST_REQUIRE_EQUAL(all.size(), 1u);
  BOOST_TEST(all[0].ready == readiness::hangup);
}

BOOST_AUTO_TEST_CASE(reports_a_pipe_without_a_reader_as_an_error) {
  poll_poller poller;
  ends pipe = pipe_from_near();
  BOOST_REQUIRE(!poller.add({pipe.near.get(), 1}, interest::none));
  pipe.far.reset();
  const reports all = wait(poller);
  BOOST_REQUIRE_EQUAL(all.size(), 1u);
  BOOST_TEST(is(all[0].ready, readiness::error));
}

// The element that a removal moves: the first, the one in the middle, the last, the one being
// reported; each with what was reported before it and what comes after.
BOOST_AUTO_TEST_CASE(fills_the_gap_that_a_removal_in_the_sink_leaves) {
  constexpr int count = 7;
  for (int reporting = 0; reporting < count; ++reporting) {
    for (int victim = 0; victim < count; ++victim) {
      poll_poller poller;
      std::vector<ends> pipes;
      std::vector<token> tokens;
      for (int i = 0; i < count; ++i) {
        pipes.push_back(pipe_to_near());
        put(pipes.back().far, "x");
        tokens.push_back({pipes.back().near.get(), static_cast<std::uint32_t>(i + 1)});
        BOOST_REQUIRE(!poller.add(tokens.back(), interest::read));
      }
      const token removed = tokens[static_cast<std::size_t>(victim)];
      std::vector<token> reported;
      poller.wait(0ns, [&](token t, readiness) {
        reported.push_back(t);
        if (reported.size() == static_cast<std::size_t>(reporting) + 1) poller.remove(removed);
      });
      for (const token t : tokens) {
        const auto times = std::count(reported.begin(), reported.end(), t);
        if (t == removed) {
          BOOST_REQUIRE_LE(times, 1);
        } else {
          BOOST_REQUIRE_EQUAL(times, 1);
        }
      }
      const reports rest = wait(poller);
      BOOST_REQUIRE_EQUAL(rest.size(), count - 1u);
      BOOST_REQUIRE(!has_token(rest, removed));
    }
  }
}

// The limit counts for poll(2) though they were opened before it was lowered.
BOOST_AUTO_TEST_CASE(more_descriptors_than_the_limit, *boost::unit_test::label("native")) {
  asyncore::poll_poller poller;
  std::vector<test::ends> pairs;
  for (std::uint32_t i = 0; i < 20; ++i) {
    pairs.push_back(test::socket_pair());
    BOOST_TEST(!poller.add({pairs.back().near.get(), i + 1}, asyncore::interest::read));
  }
  const test::descriptor_limit few(6);
  BOOST_REQUIRE(few);
  std::vector<std::uint32_t> reported;
  const auto sink = [&](asyncore::token t, asyncore::readiness) {
    reported.push_back(t.generation);
  };
  BOOST_TEST(poller.wait(std::chrono::nanoseconds(0), sink) == 0);
  BOOST_TEST(poller.wait(std::chrono::milliseconds(12), sink) == 0);
  test::put(pairs[2].far, "x");
  test::put(pairs[19].far, "x");
  BOOST_TEST(poller.wait({}, sink) == 2);
  BOOST_TEST((reported == std::vector<std::uint32_t>{3, 20}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

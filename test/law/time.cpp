// SPDX-License-Identifier: BSL-1.0
// Law 11: time is monotonic, and timeouts are rounded up.
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <limits>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/readers.hpp"
#include "../support/scripted_poller.hpp"

namespace {

using asyncore::timeout_type;
using asyncore::to_milliseconds;
using test::asks;
using test::heard;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr int longest = std::numeric_limits<int>::max();
static_assert(to_milliseconds(std::nullopt) == -1);
static_assert(to_milliseconds(nanoseconds::min()) == 0);
static_assert(to_milliseconds(-1ns) == 0);
static_assert(to_milliseconds(0ns) == 0);
static_assert(to_milliseconds(1ns) == 1);
static_assert(to_milliseconds(999'999ns) == 1);
static_assert(to_milliseconds(1ms) == 1);
static_assert(to_milliseconds(1'000'001ns) == 2);
static_assert(to_milliseconds(1500us) == 2);
static_assert(to_milliseconds(30s) == 30'000);
static_assert(to_milliseconds(std::chrono::milliseconds(longest)) == longest);
static_assert(to_milliseconds(std::chrono::milliseconds(longest) + 1ns) == longest);
static_assert(to_milliseconds(nanoseconds::max()) == longest);

template <class P>
using plain = test::data_reader<P, asks::never>;

// A loop that counts, with one channel.
template <class Place>
struct scene {
  using place = test::counted<Place>;
  test::poller_counts counts;
  heard what;
  test::ends pair = test::socket_pair();
  test::reader_loop<place> loop{counts};
  plain<place> reader{loop, what, std::move(pair.near)};
};

template <class Call>
nanoseconds duration_of(Call call) {
  const auto start = test::sys().now();
  call();
  return test::sys().now() - start;
}

#if !defined(TEST_SIMULATED)
// A system with a clock that the test turns, and a poller in which each wait takes its time.
struct clock_system : asyncore::posix_system {
  static inline nanoseconds time{};
  static inline nanoseconds step{};
  static nanoseconds now() noexcept { return time; }
};
struct clock_poller : test::scripted_poller {
  using test::scripted_poller::scripted_poller;
  using system = clock_system;
  template <class Sink>
  int wait(timeout_type timeout, Sink sink) {
    clock_system::time += clock_system::step;
    return test::scripted_poller::wait(timeout, sink);
  }
};
#endif

}  // namespace

BOOST_FIXTURE_TEST_SUITE(timeouts, test::world)

// One wait, and not a shorter one: less than a millisecond is not a busy loop.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_turn_takes_its_time, Place, test::matrix) {
  scene<Place> s;
  s.loop.poll(0ns);
  for (const nanoseconds timeout : {1ns, 999ns, 1'000ns, 300'000ns, 999'999ns, 1'000'000ns,
                                    1'000'001ns, 1'500'000ns, 2'100'000ns, 5'000'000ns}) {
    s.counts.waits = 0;
    const auto took = duration_of([&] { s.loop.poll(timeout); });
    BOOST_CHECK(took >= timeout);
    BOOST_CHECK_EQUAL(s.counts.waits, 1u);
  }
  BOOST_CHECK_EQUAL(s.what.hooks, 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_takes_its_time, Place, test::matrix) {
  scene<Place> s;
  BOOST_CHECK(duration_of([&] { s.loop.run({.timeout = 1500us, .count = 3}); }) >= 4500us);
  BOOST_CHECK_EQUAL(s.counts.waits, 3u);
  for (const timeout_type timeout : s.counts.timeouts) BOOST_CHECK(timeout == timeout_type(1500us));
}

// Python's default.
BOOST_AUTO_TEST_CASE_TEMPLATE(run_waits_thirty_seconds, Place, test::matrix) {
  scene<Place> s;
  test::put(s.pair.far, "x");
  s.loop.run({.count = 1});
  BOOST_CHECK_EQUAL(s.counts.timeouts.size(), 1u);
  BOOST_CHECK(s.counts.timeouts.front() == timeout_type(30s));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_or_less_does_not_wait, Place, test::matrix) {
  scene<Place> s;
  for (const nanoseconds timeout : {0ns, -1ns, nanoseconds(-1h), nanoseconds::min()})
    BOOST_CHECK(duration_of([&] { s.loop.poll(timeout); }) < 5s);
  s.loop.run({.timeout = 0ns, .count = 100});
  s.loop.run({.timeout = nanoseconds::min(), .count = 100});
  BOOST_CHECK_EQUAL(s.counts.waits, 204u);
}

// What is ready ends a wait, however long it might be.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_longest_waits, Place, test::matrix) {
  scene<Place> s;
  int rounds = 0;
  for (const timeout_type timeout :
       {timeout_type(), timeout_type(nanoseconds::max()), timeout_type(nanoseconds::max() - 1ns),
        timeout_type(std::chrono::hours(24 * 365 * 200)), timeout_type(std::chrono::hours(600))}) {
    test::put(s.pair.far, "x");
    s.loop.poll(timeout);
    test::put(s.pair.far, "x");
    s.loop.run({.timeout = timeout, .count = 1});
    BOOST_CHECK_EQUAL(s.what.hooks, rounds += 2);
  }
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE(the_clock_is_monotonic) {
  BOOST_CHECK(steady_clock::is_steady);
  const nanoseconds before = asyncore::posix_system::now();
  const nanoseconds between = steady_clock::now().time_since_epoch();
  const nanoseconds after = asyncore::posix_system::now();
  BOOST_CHECK(before <= between && between <= after);
}

// A turn whose wait signals cut short lasts for the rest of its timeout, counted from the first
// signal; the time is that of the loop's system.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_left_after_signals, Place, test::scripted_matrix) {
  using place = test::place<clock_poller, typename Place::map_kind, Place::closed>;
  for (const nanoseconds timeout : {nanoseconds(10ms), nanoseconds::max()}) {
    clock_system::time = 100s;
    clock_system::step = 3ms;
    test::poller_script script;
    test::reader_loop<place> loop(script);
    heard what;
    test::ends pair = test::socket_pair();
    plain<place> reader(loop, what, std::move(pair.near));
    const auto waits_of = [&](auto turn) {
      script.timeouts.clear();
      script.result = -EINTR;
      script.again = 1;
      turn();
      BOOST_REQUIRE_EQUAL(script.timeouts.size(), 3u);
      return script.timeouts;
    };
    const auto check = [&](const std::vector<timeout_type>& waits) {
      BOOST_CHECK(waits[0] == timeout_type(timeout));
      if (timeout == 10ms) {
        BOOST_CHECK(waits[1] == timeout_type(10ms));
        BOOST_CHECK(waits[2] == timeout_type(7ms));
      } else {
        BOOST_CHECK(*waits[2] > std::chrono::hours(24 * 365 * 100));
      }
    };
    check(waits_of([&] { loop.poll(timeout); }));
    check(waits_of([&] { loop.run({.timeout = timeout, .count = 1}); }));
    // The time is over when the second signal comes.
    clock_system::step = 11ms;
    BOOST_CHECK(*waits_of([&] { loop.poll(10ms); })[2] <= 0ns);
    // Without a limit there is none afterwards.
    BOOST_CHECK(!waits_of([&] { loop.poll({}); })[2]);
  }
}
#endif

BOOST_AUTO_TEST_SUITE_END()

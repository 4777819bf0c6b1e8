// SPDX-License-Identifier: BSL-1.0
// When what call_later, call_at and call_every are given is called, in virtual time.
#include <boost/test/unit_test.hpp>

#include <functional>
#include <limits>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/timer_scene.hpp"

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;
using std::chrono::nanoseconds;
using test::timers::scene;
using test::timers::watcher;

// A timer's time is never rounded down, and no wait is longer.
BOOST_FIXTURE_TEST_SUITE(timers, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(are_called_in_the_order_of_time, Place, test::matrix) {
  scene<Place> s;
  s.loop.call_later(30ms, s.noting("c"));
  s.loop.call_later(10ms, s.noting("a"));
  s.loop.call_at(clock::start + 20ms, s.noting("b"));
  s.loop.call_later(30ms, s.noting("d"));
  s.loop.call_at(std::chrono::steady_clock::time_point(clock::start + 30ms), s.noting("e"));
  BOOST_TEST(s.notes == "");  // not from inside
  s.loop.run();               // without a channel, until none waits
  BOOST_TEST(s.notes == "a10 b20 c30 d30 e30 ");
  BOOST_TEST(clock::waits.size() == 3u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_turn_ends_when_one_is_due, Place, test::matrix) {
  scene<Place> s;
  s.loop.poll(1h);  // nothing waits
  BOOST_CHECK(clock::passed() == 0ns);
  s.loop.call_later(90min, s.noting("x"));
  s.loop.poll(1h);
  BOOST_CHECK(clock::passed() == 1h);
  BOOST_TEST(s.notes == "");
  s.loop.poll(1h);
  BOOST_CHECK(clock::passed() == 90min);
  BOOST_TEST(s.notes == "x5400000 ");
  s.loop.poll(1h);
  BOOST_CHECK(clock::passed() == 90min);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(zero_and_the_past_mean_the_next_turn, Place, test::matrix) {
  scene<Place> s;
  s.loop.call_at(-1ns, s.noting("a"));
  s.loop.call_at(nanoseconds::min(), s.noting("b"));
  s.loop.call_later(0s, s.noting("c"));
  s.loop.call_later(-1h, s.noting("d"));
  s.loop.call_later(std::chrono::hours::min(), s.noting("e"));
  s.loop.call_later(-1e300 * 1s, s.noting("f"));
  s.loop.call_later(std::numeric_limits<double>::quiet_NaN() * 1s, s.noting("g"));
  s.loop.poll();
  BOOST_TEST(s.notes == "a0 b0 c0 d0 e0 f0 g0 ");
}

// One that adds itself has its turn in each turn, and does not keep the others.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_added_in_a_timer_waits_for_the_next_turn, Place,
                              test::matrix) {
  scene<Place> s;
  int calls = 0;
  std::function<void()> again = [&] {
    if (++calls < 5) s.loop.call_at(nanoseconds::min(), again);
  };
  s.loop.call_later(0ns, again);
  s.loop.call_later(0ns, s.noting("x"));
  s.loop.poll();
  BOOST_TEST(calls == 1);
  BOOST_TEST(s.notes == "x0 ");
  s.loop.run();
  BOOST_TEST(calls == 5);
  BOOST_TEST(clock::waits.size() == 5u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(centuries_do_not_overflow, Place, test::matrix) {
  scene<Place> s;
  std::vector<typename scene<Place>::timer> all;
  all.push_back(s.loop.call_later(std::chrono::hours(24 * 365 * 200), s.noting("x")));
  all.push_back(s.loop.call_later(std::chrono::hours(24 * 365 * 400), s.noting("x")));
  all.push_back(s.loop.call_later(std::chrono::hours::max(), s.noting("x")));
  all.push_back(s.loop.call_later(nanoseconds::max(), s.noting("x")));
  all.push_back(s.loop.call_later(1e300 * 1h, s.noting("x")));
  all.push_back(s.loop.call_every(std::chrono::hours::max(), s.noting("x")));
  all.push_back(s.loop.call_at(nanoseconds::max(), s.noting("x")));
  s.loop.run({.timeout = 1h, .count = 3});
  BOOST_CHECK(clock::passed() == 3h);
  BOOST_TEST(s.notes == "");
  for (auto& t : all) BOOST_TEST(t.cancel());
  s.loop.run();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(cancelled_ones_are_not_called, Place, test::matrix) {
  scene<Place> s;
  using timer = typename scene<Place>::timer;
  timer none;
  BOOST_TEST(!none.pending());
  BOOST_TEST(!none.cancel());
  timer a = s.loop.call_later(1ms, s.noting("a")), copy = a;
  timer b = s.loop.call_later(1ms, s.noting("b"));
  BOOST_TEST(copy.pending());
  BOOST_TEST(a.cancel());
  BOOST_TEST(!copy.pending());
  BOOST_TEST(!copy.cancel());
  timer c = s.loop.call_later(2ms, s.noting("c"));  // in the cell of a
  BOOST_TEST(!a.cancel());
  s.loop.run();
  BOOST_TEST(s.notes == "b1 c2 ");
  BOOST_TEST(!b.pending());
  BOOST_TEST(!b.cancel());
  BOOST_TEST(!c.cancel());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(may_be_cancelled_by_another_that_is_due, Place, test::matrix) {
  scene<Place> s;
  typename scene<Place>::timer second, third, self;
  self = s.loop.call_later(1ms, [&] {
    BOOST_TEST(!self.pending());
    BOOST_TEST(!self.cancel());
    BOOST_TEST(second.cancel());
    s.noting("first")();
    third = s.loop.call_later(0ns, s.noting("third"));
  });
  second = s.loop.call_later(1ms, s.noting("second"));
  s.loop.run();
  BOOST_TEST(s.notes == "first1 third1 ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(may_be_cancelled_again_in_its_own_function, Place, test::matrix) {
  scene<Place> s;
  typename scene<Place>::timer every;
  int calls = 0;
  every = s.loop.call_every(1ms, [&] {
    ++calls;
    BOOST_TEST(every.pending());
    BOOST_TEST(every.cancel());
    BOOST_TEST(!every.pending());
    BOOST_TEST(!every.cancel());
    every.unref();
  });
  s.loop.call_later(5ms, s.noting("end"));
  s.loop.run();
  BOOST_TEST(calls == 1);
  BOOST_TEST(s.notes == "end5 ");
}

// The times are those of the grid, whatever a call takes; what has been missed is left out.
BOOST_AUTO_TEST_CASE_TEMPLATE(periods_do_not_drift, Place, test::matrix) {
  scene<Place> s;
  int calls = 0;
  typename scene<Place>::timer every;
  every = s.loop.call_every(10ms, [&] {
    s.noting("")();
    BOOST_TEST(every.pending());
    if (++calls == 2) clock::advance(3ms);   // late, but in time for the next
    if (calls == 3) clock::advance(25ms);    // 40 comes at 55, and 50 not at all
    if (calls == 5) BOOST_TEST(every.cancel());
  });
  s.loop.run();
  BOOST_TEST(s.notes == "10 20 30 55 60 ");
  BOOST_TEST(!every.cancel());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_may_end_without_one, Place, test::matrix) {
  scene<Place> s;
  auto every = s.loop.call_every(10ms, s.noting("every"));
  auto late = s.loop.call_later(1h, s.noting("late"));
  every.unref();
  every.unref();
  late.unref();
  auto last = s.loop.call_later(25ms, s.noting("last"));
  s.loop.run();
  BOOST_TEST(s.notes == "every10 every20 last25 ");
  s.loop.run();  // none that it waits for
  BOOST_CHECK(clock::passed() == 25ms);
  BOOST_TEST(late.cancel());
  every.cancel();
  typename scene<Place>::timer none;
  none.unref();
  last.unref();                                  // it has been called
  s.loop.call_later(5ms, s.noting("again"));     // waited for: its cell has been used before
  s.loop.run();
  BOOST_TEST(s.notes == "every10 every20 last25 again30 ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_period_at_all_is_once_a_turn, Place, test::matrix) {
  scene<Place> s;
  for (const auto period : {0ns, -5ns}) {
    int calls = 0;
    auto every = s.loop.call_every(period, [&] { ++calls; });
    s.loop.run({.timeout = {}, .count = 7});
    BOOST_TEST(calls == 7);
    every.cancel();
  }
  if (!test::simulated) BOOST_CHECK(clock::passed() < 1us);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_ends_run, Place, test::matrix) {
  scene<Place> s;
  s.loop.call_every(1ms, s.noting(""));
  s.loop.call_later(3ms, [&] { s.loop.stop(); });
  s.loop.run();
  BOOST_TEST(s.notes == "1 2 3 ");
}

#if !defined(TEST_SIMULATED)
// One reading of the clock a turn, and another after the timers of the turn.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_clock_is_read_once_a_turn, Place, test::matrix) {
  scene<Place> s;
  std::function<void()> on_read;
  test::ends pair = test::pipe_to_near();
  watcher<Place> reader(s.loop, pair.near.get(), on_read);
  s.loop.run({.timeout = 0ns, .count = 5});
  BOOST_TEST(clock::reads == 0);  // nobody asked
  on_read = [&] {
    test::take(pair.near);
    for (int i = 0; i < 100; ++i) s.loop.call_later(1h, [] {}).cancel();
  };
  auto timer = s.loop.call_later(10h, [] {});
  test::put(pair.far, "x");
  clock::reads = 0;
  s.loop.run({.timeout = 0ns, .count = 1});
  BOOST_TEST(clock::reads <= 3);  // before the wait, in the hook, after it
  clock::reads = 0;
  s.loop.run({.timeout = 0ns, .count = 100});
  BOOST_TEST(clock::reads <= 101);
  // A hook that is called late does not use the time before the wait.
  on_read = [&] { BOOST_CHECK(s.loop.now() == clock::time); };
  clock::time += 5h;
  test::put(pair.far, "x");
  s.loop.poll();
  BOOST_CHECK(s.loop.now() == clock::time);
  timer.cancel();
}

BOOST_AUTO_TEST_CASE(a_million_at_random_keep_their_order) {
  scene<test::place<asyncore::poll_poller, test::dense, false>> s;
  std::uint64_t state = 1;
  nanoseconds before{};
  int calls = 0, early = 0, disorder = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto when = clock::start + nanoseconds(static_cast<std::int64_t>(state >> 30));
    auto t = s.loop.call_at(when, [&, when] {
      ++calls;
      early += clock::time < when;
      disorder += when < before;
      before = when;
    });
    if (i % 3 == 0) t.cancel();
  }
  s.loop.call_every(1s, [&] {
    if (calls == 666'666) s.loop.stop();
  });
  s.loop.run({.timeout = 1s, .count = 3'000'000});
  BOOST_TEST(calls == 666'666);
  BOOST_TEST(early == 0);
  BOOST_TEST(disorder == 0);
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

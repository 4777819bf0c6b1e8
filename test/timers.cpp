// SPDX-License-Identifier: BSL-1.0
// call_later, call_at and call_every, in virtual time.
#include <asyncore.hpp>

#include "support/descriptors.hpp"
#include "support/matrix.hpp"
#include "support/outcome.hpp"
#include "support/standard_error.hpp"
#include "support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;
using std::chrono::nanoseconds;

template <class Place>
struct watcher;
template <class Place>
using loop_of = typename test::timeless<Place>::template loop<watcher<Place>>;
template <class Place>
struct watcher : asyncore::channel<watcher<Place>, loop_of<Place>> {
  watcher(loop_of<Place>& loop, int fd, std::function<void()>& read)
      : asyncore::channel<watcher<Place>, loop_of<Place>>(loop, fd), on_read(read) {}
  void handle_read() { on_read(); }
  std::function<void()>& on_read;
};

/// A loop in virtual time, with no channel.
template <class Place>
struct scene {
  using loop_type = loop_of<Place>;
  using timer = asyncore::timer<loop_type>;
  scene() { clock::reset(); }

  /// A function that notes its name and when it was called.
  std::function<void()> noting(const char* name) {
    return [this, name] { notes += name + std::to_string(clock::passed() / 1ms) + " "; };
  }

  loop_type loop;
  std::string notes;
};

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

BOOST_AUTO_TEST_CASE(a_loop_may_end_with_timers_that_are_due) {
  int left = 0;
  struct counted {
    explicit counted(int& of) : count(of) { ++count; }
    counted(const counted& other) : count(other.count) { ++count; }
    ~counted() { --count; }
    int& count;
  };
  {
    asyncore::default_loop loop;
    const counted one(left);
    loop.call_later(1ns, [one] { throw asyncore::exit_now(); });
    loop.call_later(1ns, [one] {});
    loop.wake_by(0ns);
    BOOST_CHECK_THROW(loop.run(), asyncore::exit_now);
  }
  BOOST_TEST(left == 0);
  BOOST_CHECK(asyncore::detail::next_period(5ns, 2ns, 3ns) == 7ns);  // of a clock that was put back
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

BOOST_AUTO_TEST_CASE_TEMPLATE(what_they_throw_is_logged, Place, test::matrix) {
  scene<Place> s;
  s.loop.call_later(1ms, [] { throw std::runtime_error("out of paper"); });
  s.loop.call_later(1ms, s.noting("a"));
  auto every = s.loop.call_every(1ms, [&] {
    s.noting("e")();
    throw 42;
  });
  const std::string text =
      test::stderr_of([&] { s.loop.run({.timeout = 1ms, .count = 2}); });
  BOOST_TEST(test::contains(text, "uncaught exception from a timer: out of paper"), text);
  BOOST_TEST(s.notes == "a1 e1 e2 ");
  BOOST_TEST(every.cancel());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(exit_now_leaves_run_and_loses_nothing, Place, test::matrix) {
  scene<Place> s;
  s.loop.call_later(1ms, [] { throw asyncore::exit_now(); });
  s.loop.call_later(1ms, s.noting("a"));
  auto every = s.loop.call_every(1ms, [&] {
    s.noting("e")();
    if (s.notes == "a1 e1 ") throw asyncore::exit_now();
  });
  BOOST_CHECK_THROW(s.loop.run(), asyncore::exit_now);
  BOOST_TEST(s.notes == "");
  BOOST_CHECK_THROW(s.loop.poll(1h), asyncore::exit_now);
  BOOST_TEST(s.notes == "a1 e1 ");
  s.loop.poll(1h);
  BOOST_TEST(s.notes == "a1 e1 e2 ");
  every.cancel();
  s.loop.run();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_ends_run, Place, test::matrix) {
  scene<Place> s;
  s.loop.call_every(1ms, s.noting(""));
  s.loop.call_later(3ms, [&] { s.loop.stop(); });
  s.loop.run();
  BOOST_TEST(s.notes == "1 2 3 ");
}

struct counted {
  explicit counted(int& n) : alive(&n) { ++*alive; }
  counted(const counted& other) : alive(other.alive) { ++*alive; }
  counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
  ~counted() { --*alive; }
  int* alive;
};

/// What the functions of a timer own, and what gives that timer up at its end.
template <class Place>
struct session {
  explicit session(int& count) : cancelled(count) {}
  ~session() {
    cancelled += mine.cancel();
    cancelled += other.cancel();
  }
  typename scene<Place>::timer mine, other;
  int& cancelled;
};

// As when it holds the last reference to the object that has the timer as a member.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_function_may_cancel_its_own_timer_at_its_end, Place,
                              test::one_a_poller) {
  int cancelled = 0;
  const auto in_all_ways = [&](auto padding) {
    const auto make = [&] { return std::make_shared<session<Place>>(cancelled); };
    scene<Place> s;
    const auto add = [&](auto owner, bool again) {
      auto f = [owner, padding] { (void)padding; };
      owner->mine = again ? s.loop.call_every(1ms, f) : s.loop.call_later(1ms, f);
      return owner->mine;
    };
    for (const bool again : {false, true}) {
      BOOST_TEST(add(make(), again).cancel());
      s.loop.run();  // none is left
    }
    auto owner = make();
    owner->mine = s.loop.call_every(1ms, [owner, padding] {
      (void)padding;
      owner->mine.cancel();
    });
    owner = nullptr;
    s.loop.run();
    // Each has a cell of its own after that.
    for (const char* const name : {"a", "b", "c", "d"}) s.loop.call_later(1ms, s.noting(name));
    s.loop.run();
    BOOST_TEST(s.notes.size() == 12u, s.notes);
    BOOST_TEST(cancelled == 0);
    // What waits still when the loop ends: either may be the first.
    for (const bool again : {false, true}) {
      auto both = make();
      add(both, again);
      both->other = s.loop.call_later(2ms, [both] {});
    }
    add(make(), false);
    auto last = make();
    last->mine = s.loop.call_later(1h, [] {});
    s.loop.post([last] {});
  };
  in_all_ways(char{});
  BOOST_TEST(cancelled == 1);
  cancelled = 0;
  in_all_ways(std::array<char, 100>{});
  BOOST_TEST(cancelled == 1);
}

#if !defined(TEST_SIMULATED)
// Functions of every size are destroyed: when called, when cancelled, and with the loop.
BOOST_AUTO_TEST_CASE(functions_are_destroyed_once) {
  int alive = 0;
  {
    scene<test::place<asyncore::poll_poller, test::dense, true>> s;
    int calls = 0;
    const auto add = [&](nanoseconds delay, auto padding) {
      const counted c(alive);
      auto f = [c, padding, &calls] {
        (void)padding;
        ++calls;
      };
      auto cancelled = s.loop.call_later(delay, f);
      s.loop.call_later(delay, f);
      auto again = s.loop.call_every(delay, f);
      s.loop.call_later(5h, [again]() mutable { again.cancel(); });
      auto periodic = s.loop.call_every(delay, std::move(f));
      cancelled.cancel();
      periodic.cancel();
    };
    add(1h, char{});
    add(2h, std::array<char, 100>{});
    BOOST_TEST(alive == 4);
    s.loop.run();
    BOOST_TEST(calls == 1 + 4 + 1 + 2);
    BOOST_TEST(alive == 0);
    add(1h, char{});
    add(1h, std::array<char, 100>{});
    BOOST_TEST(alive == 4);
    s.loop.call_later(0ns, std::function<void()>([c = counted(alive)] {}));
    s.loop.call_later(0ns, [p = std::make_unique<counted>(alive)] {});  // moved, not copied
  }
  BOOST_TEST(alive == 0);
}

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

// SPDX-License-Identifier: BSL-1.0
// What the functions of timers throw, and when they are destroyed, in virtual time.
#include <boost/test/unit_test.hpp>

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "../support/standard_error.hpp"
#include "../support/timer_scene.hpp"

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;
using std::chrono::nanoseconds;
using test::timers::scene;

struct counted {
  explicit counted(int& n) : alive(&n) { ++*alive; }
  counted(const counted& other) : alive(other.alive) { ++*alive; }
  counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
  ~counted() { --*alive; }
  int* alive;
};

BOOST_FIXTURE_TEST_SUITE(timer_functions, test::world)

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

BOOST_AUTO_TEST_CASE(a_loop_may_end_with_timers_that_are_due) {
  int left = 0;
  {
    asyncore::default_loop loop;
    const counted one(left);
    loop.call_later(1ns, [one] { throw asyncore::exit_now(); });
    loop.call_later(1ns, [one] {});
    asyncore::channel_access::core(loop).wake_by(asyncore::wake_time::at_once());
    BOOST_CHECK_THROW(loop.run(), asyncore::exit_now);
  }
  BOOST_TEST(left == 0);
  BOOST_CHECK(asyncore::detail::next_period(5ns, 2ns, 3ns) == 7ns);  // of a clock that was put back
}

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
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

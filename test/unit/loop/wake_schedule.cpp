// SPDX-License-Identifier: BSL-1.0
// What a loop waits for beside its channels, without a loop.
#include <asyncore/loop/wake_schedule.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace {

using asyncore::wake_time;
using std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// A loop's clock.
struct clock_only {
  nanoseconds now() const noexcept { return time; }
  nanoseconds time = 100s;
};

using schedule = asyncore::detail::wake_schedule<clock_only>;

/// A service that does as it is told.
struct service : asyncore::loop_service<clock_only> {
  explicit service(clock_only&)
      : loop_service(asyncore::detail::service_operations<clock_only, service>) {
    ++alive;
  }
  ~service() { --alive; }
  bool may_wait(clock_only&) { return waits; }
  void after_wait(clock_only&) {
    ++calls;
    if (throws) throw std::runtime_error("after_wait");
  }
  wake_time next() const { return when; }
  bool busy() const { return is_busy; }
  void forget(clock_only&, asyncore::token) { ++forgotten; }

  wake_time when = wake_time::never();
  bool waits = true, throws = false, is_busy = false;
  int calls = 0, forgotten = 0;
  static inline int alive = 0;
};

/// Another kind.
struct other : service {
  explicit other(clock_only& loop) : service(loop) {
    of = &asyncore::detail::service_operations<clock_only, other>;
  }
};

struct scene {
  scene() = default;
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;
  ~scene() { of.end(); }
  void run(wake_time others = wake_time::never()) {
    of.run_services(loop, [=] { return others; });
  }
  clock_only loop;
  schedule of;
};

BOOST_FIXTURE_TEST_SUITE(wake_schedule, scene)

BOOST_AUTO_TEST_CASE(waits_for_nothing_at_first) {
  BOOST_TEST(!of.waits());
  BOOST_TEST(!of.any_busy());
}

BOOST_AUTO_TEST_CASE(a_wait_ends_at_the_nearest_time) {
  of.wake_by(wake_time::at(107s));
  of.wake_by(wake_time::at(105s));
  of.wake_by(wake_time::at(106s));
  BOOST_TEST(of.waits());
  BOOST_TEST((of.limit(loop, {}) == 5s));
  BOOST_TEST((of.limit(loop, 3s) == 3s));
  BOOST_TEST((of.limit(loop, 9s) == 5s));
}

BOOST_AUTO_TEST_CASE(each_turn_does_not_shorten_a_wait) {
  of.wake_by(wake_time::each_turn());
  BOOST_TEST(of.waits());
  BOOST_TEST((of.limit(loop, {}) == asyncore::timeout_type()));
  BOOST_TEST((of.limit(loop, 9s) == 9s));
}

BOOST_AUTO_TEST_CASE(a_service_that_has_something_to_do_has_no_wait) {
  auto& one = of.service<service>(loop);
  one.waits = false;
  of.wake_by(wake_time::each_turn());
  BOOST_TEST((of.limit(loop, {}) == 0s));
}

BOOST_AUTO_TEST_CASE(a_service_is_made_once) {
  auto& one = of.service<service>(loop);
  auto& two = of.service<other>(loop);
  BOOST_TEST(&of.service<service>(loop) == &one);
  BOOST_TEST(static_cast<service*>(&of.service<other>(loop)) == static_cast<service*>(&two));
  BOOST_TEST(service::alive == 2);
  of.end();
  BOOST_TEST(service::alive == 0);
}

BOOST_AUTO_TEST_CASE(the_next_time_is_that_of_the_first_service_or_of_others) {
  of.service<service>(loop).when = wake_time::at(109s);
  of.service<other>(loop).when = wake_time::at(104s);
  run();
  BOOST_TEST((of.limit(loop, {}) == 4s));
  run(wake_time::at(102s));
  BOOST_TEST((of.limit(loop, {}) == 2s));
  of.service<service>(loop).when = of.service<other>(loop).when = wake_time::never();
  run();
  BOOST_TEST(!of.waits());
}

BOOST_AUTO_TEST_CASE(what_a_service_throws_loses_no_time) {
  auto& one = of.service<service>(loop);
  one.when = wake_time::at(103s);
  one.throws = true;
  of.wake_by(wake_time::at_once());
  BOOST_CHECK_THROW(run(), std::runtime_error);
  BOOST_TEST(one.calls == 1);
  BOOST_TEST((of.limit(loop, {}) == 3s));
}

BOOST_AUTO_TEST_CASE(the_clock_is_read_once_a_turn_and_anew_after_a_wait) {
  int reads = 0;
  const auto read = [&] { return nanoseconds(++reads); };
  of.wake_by(wake_time::each_turn());
  BOOST_TEST((of.time(read) == 1ns));
  BOOST_TEST((of.time(read) == 1ns));
  (void)of.limit(loop, {});
  BOOST_TEST((of.time(read) == 2ns));
}

// Nobody forgets the time at the next wait of a loop that waits for nothing.
BOOST_AUTO_TEST_CASE(the_time_is_not_kept_when_nothing_is_waited_for) {
  int reads = 0;
  const auto read = [&] { return nanoseconds(++reads); };
  BOOST_TEST((of.time(read) == 1ns));
  BOOST_TEST((of.time(read) == 2ns));
  of.wake_by(wake_time::at(105s));
  BOOST_TEST((of.time(read) == 3ns));
  run();  // no service waits any more
  BOOST_TEST((of.time(read) == 4ns));
}

BOOST_AUTO_TEST_CASE(each_service_is_told) {
  of.service<service>(loop);
  of.service<other>(loop);
  of.each([&](auto& s) { s.of->forget(s, loop, {}); });
  BOOST_TEST(of.service<service>(loop).forgotten == 1);
  BOOST_TEST(of.service<other>(loop).forgotten == 1);
  of.service<other>(loop).is_busy = true;
  BOOST_TEST(of.any_busy());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

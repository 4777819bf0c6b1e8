// SPDX-License-Identifier: BSL-1.0
// How other threads reach a loop, without a loop and in one thread.
#include <asyncore/loop/doorbell.hpp>

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <vector>

#include "../../support/standard_error.hpp"

namespace {

using asyncore::wake_time;
using namespace std::chrono_literals;

/// What happened to it, one letter each: open, wake, drain.
struct spy_waker {
  int open() {
    calls += 'o';
    return refusal;
  }
  int native_handle() const { return calls.find('o') == std::string::npos || refusal < 0 ? -1 : 9; }
  void wake() { calls += 'w'; }
  void drain() { calls += 'd'; }
  static inline std::string calls;
  static inline int refusal = 0;
};

struct station {
  using bell_type = asyncore::detail::doorbell<station, spy_waker>;

  station() {
    spy_waker::calls.clear();
    spy_waker::refusal = 0;
  }
  station(const station&) = delete;
  station& operator=(const station&) = delete;

  std::chrono::nanoseconds now() const { return time; }
  asyncore::detail::mailbox& mail() { return bell.mail(); }
  auto adding() {
    return [this](int fd, std::error_code& failed) -> std::uint32_t {
      added.push_back(fd);
      failed = refusal;
      return failed ? 0 : 7;
    };
  }
  void open() { bell.open(*this, schedule, adding()); }
  void look_for_waker() { bell.try_to_open(*this, schedule, adding()); }
  void run_services() {
    schedule.run_services(*this, [] { return wake_time::never(); });
  }

  std::chrono::nanoseconds time = 100s;
  std::error_code refusal;
  std::vector<int> added;
  asyncore::detail::wake_schedule<station> schedule;
  bell_type bell;
};

/// A function that counts how often it is called, and is not destroyed by that.
struct counted_post : asyncore::detail::posted {
  counted_post()
      : posted{[](posted* self, void* loop) {
          if (loop != nullptr) ++static_cast<counted_post*>(self)->calls;
        }} {}
  int calls = 0;
};

BOOST_FIXTURE_TEST_SUITE(doorbell, station)

BOOST_AUTO_TEST_CASE(is_opened_once) {
  BOOST_TEST(bell.id().generation == 0u);
  open();
  open();
  BOOST_TEST(added == std::vector<int>{9}, boost::test_tools::per_element());
  BOOST_TEST(bell.id().fd == 9);
  BOOST_TEST(bell.id().generation == 7u);
  BOOST_TEST(spy_waker::calls == "o");
  BOOST_TEST(!schedule.waits());
}

BOOST_AUTO_TEST_CASE(what_was_posted_before_it_opened_is_found) {
  counted_post one;
  BOOST_TEST(mail().push(&one));
  open();
  BOOST_TEST((schedule.limit(*this, {}) == 0s));
  run_services();
  BOOST_TEST(one.calls == 1);
}

BOOST_AUTO_TEST_CASE(its_ring_is_drained_before_the_look) {
  open();
  counted_post one;
  BOOST_TEST(mail().push(&one));  // the poster has to ring
  bell.ring();
  bell.answer(schedule);
  BOOST_TEST(spy_waker::calls == "owd");
  run_services();
  BOOST_TEST(one.calls == 1);
}

BOOST_AUTO_TEST_CASE(a_stale_report_attaches_nothing) {
  open();
  bell.answer(schedule);
  BOOST_TEST(!schedule.waits());
}

BOOST_AUTO_TEST_CASE(a_stop_rings_and_is_forgotten_with_its_ring) {
  open();
  bell.stop();
  BOOST_TEST(bell.stop_request().raised());
  BOOST_TEST(spy_waker::calls == "ow");
  bell.forget_stop();
  BOOST_TEST(!bell.stop_request().raised());
  BOOST_TEST(spy_waker::calls == "owd");
}

void without_a_bell(station& s, const char* reason) {
  const test::redirected_stderr said;
  s.open();
  BOOST_TEST((s.schedule.limit(s, {}) == 100ms));
  s.time += 99ms;
  s.run_services();
  BOOST_TEST((s.schedule.limit(s, {}) == 1ms));
  s.time += 1ms;
  s.run_services();  // tries again, and says it no second time
  BOOST_TEST((s.schedule.limit(s, {}) == 100ms));
  const std::string text = said.text();
  BOOST_TEST(text.find(reason) != std::string::npos);
  BOOST_TEST(text.find("no waker") == text.rfind("no waker"));
}

BOOST_AUTO_TEST_CASE(without_a_descriptor_others_are_heard_late) {
  spy_waker::refusal = -EMFILE;
  without_a_bell(*this, "Too many open files");
  BOOST_TEST(added.empty());
  spy_waker::refusal = 0;
  time += 100ms;
  run_services();
  BOOST_TEST(bell.id().generation == 7u);
  BOOST_TEST((schedule.limit(*this, {}) == asyncore::timeout_type()));
}

BOOST_AUTO_TEST_CASE(a_poller_that_refuses_it_is_asked_again) {
  refusal = asyncore::errno_code(ENOMEM);
  without_a_bell(*this, "Cannot allocate memory");
  BOOST_TEST(spy_waker::calls == "o");
  refusal = {};
  open();
  BOOST_TEST(bell.id().generation == 7u);
}

BOOST_AUTO_TEST_CASE(who_waits_outside_hears_of_a_post) {
  open();
  counted_post one;
  mail().push(&one);
  bell.answer(schedule);
  run_services();
  bell.watch_from_outside();
  BOOST_TEST(spy_waker::calls == "od");
  counted_post two;
  BOOST_TEST(mail().push(&two));  // the loop is asleep: the poster rings
  bell.watch_from_outside();      // and so does the loop itself
  BOOST_TEST(spy_waker::calls == "odw");
  run_services();
  BOOST_TEST(two.calls == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

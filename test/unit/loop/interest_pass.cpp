// SPDX-License-Identifier: BSL-1.0
// What channels want, told to a poller that notes it, without a loop.
#include <asyncore/loop/interest_pass.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>

#include "fake_core.hpp"

namespace {

using asyncore::interest;
using test::probe;

struct scene : test::fake_core {
  scene() { add(one); }
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;
  ~scene() {
    for (probe* const each : {&one, &other})
      if (each->registered()) registry_.leave(*each);
  }
  std::string changed(interest wanted) {
    one.wanted = wanted;
    interests_.mark_changed(one);
    return settle();
  }
  std::string log;
  probe one{5, log}, other{6, log};
};

BOOST_FIXTURE_TEST_SUITE(interest_pass, scene)

BOOST_AUTO_TEST_CASE(a_new_channel_is_added_once) {
  BOOST_TEST(settle() == "+5r ");
  BOOST_TEST(settle() == "");
  BOOST_TEST(log == "5visit ");
}

BOOST_AUTO_TEST_CASE(only_a_change_is_told) {
  settle();
  BOOST_TEST(changed(interest::read) == "");
  BOOST_TEST(changed(interest::read | interest::write) == "~5rw ");
}

// Law 5, and a channel that reads again before anything arrives.
BOOST_AUTO_TEST_CASE(a_pause_is_told_only_when_something_arrives) {
  settle();
  BOOST_TEST(changed(interest::none) == "");
  BOOST_TEST(changed(interest::read) == "");
  BOOST_TEST(changed(interest::none) == "");
  interests_.ignore_report(*this, one.id());
  BOOST_TEST(interests_.reports_ignored() == 1);
  BOOST_TEST(settle() == "~5 ");
  BOOST_TEST(interests_.reports_ignored() == 0);
  BOOST_TEST(changed(interest::read) == "~5r ");
}

BOOST_AUTO_TEST_CASE(some_are_asked_every_turn) {
  add(other, true);
  settle();
  log.clear();
  settle();
  BOOST_TEST(log == "6visit ");
}

BOOST_AUTO_TEST_CASE(a_visit_that_changes_another_has_it_visited_too) {
  settle();
  log.clear();
  add(other);
  other.then = [&](std::string_view) {
    one.wanted = interest::write;
    interests_.mark_changed(one);
  };
  BOOST_TEST(settle() == "+6r ~5w ");
  BOOST_TEST(log == "6visit 5visit ");
}

BOOST_AUTO_TEST_CASE(two_that_change_each_other_do_not_keep_the_loop) {
  add(other);
  one.then = [&](std::string_view) { interests_.mark_changed(other); };
  other.then = [&](std::string_view) { interests_.mark_changed(one); };
  settle();
  BOOST_TEST(interests_.any_changed());
}

BOOST_AUTO_TEST_CASE(a_refusal_reaches_the_channel_and_it_is_added_anew) {
  poller_.refusal = asyncore::errno_code(ENOMEM);
  BOOST_TEST(settle() == "+5r ");
  BOOST_TEST(log == "5visit 5error ");
  BOOST_TEST(errors_.last() == asyncore::errno_code(ENOMEM));
  BOOST_TEST(changed(interest::write) == "+5w ");
}

BOOST_AUTO_TEST_CASE(one_that_throws_is_asked_once_a_pass_and_the_others_follow) {
  add(other);
  one.then = [](std::string_view what) {
    if (what == "visit") throw std::runtime_error("asked");
  };
  BOOST_TEST(settle() == "+6r ");
  BOOST_TEST(log == "5visit 5error 6visit ");
}

BOOST_AUTO_TEST_CASE(an_exception_that_leaves_loses_nobody) {
  add(other);
  one.then = [](std::string_view) { throw asyncore::exit_now(); };
  BOOST_CHECK_THROW(settle(), asyncore::exit_now);
  one.then = {};
  BOOST_TEST(settle() == "+5r +6r ");
}

BOOST_AUTO_TEST_CASE(a_stop_on_the_way_ends_the_wait) {
  one.then = [&](std::string_view) { stopping = true; };
  settle();
  BOOST_TEST((wake == asyncore::wake_time::at_once()));
}

BOOST_AUTO_TEST_CASE(a_parked_channel_is_armed_when_it_wants_something_else) {
  settle();
  interests_.park(*this, one);
  BOOST_TEST(changed(interest::read) == "-5 ");
  BOOST_TEST(changed(interest::read | interest::write) == "+5rw ");
}

BOOST_AUTO_TEST_CASE(watching_now_does_not_wait_for_the_pass) {
  std::error_code failed;
  interests_.watch_now(*this, one, failed);
  BOOST_TEST(!failed);
  BOOST_TEST(poller_.notes == "+5r ");
  poller_.notes.clear();
  interests_.watch_anew(*this, one.id());
  BOOST_TEST(settle() == "-5 +5r ");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

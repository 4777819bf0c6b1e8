// SPDX-License-Identifier: BSL-1.0
// From a report to the hooks, and from an exception to handle_error, without a loop.
#include <asyncore/loop/dispatch.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>

#include "../../support/standard_error.hpp"
#include "fake_core.hpp"

namespace {

using asyncore::interest;
using asyncore::readiness;
using test::probe;
using dispatching = asyncore::detail::dispatch<test::fake_core, test::probes>;

constexpr readiness all_of_them = readiness::read | readiness::write | readiness::expt;

struct scene : test::fake_core {
  scene() {
    one.wanted = interest::read | interest::write | interest::expt;
    add(one);
    settle();
    log.clear();
  }
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;
  ~scene() {
    if (one.registered()) registry_.leave(one);
  }
  std::string after(readiness ready) { return after(one.id(), ready); }
  std::string after(asyncore::token t, readiness ready) {
    log.clear();
    dispatching::report(*this, t, ready);
    return log;
  }
  /// The channel wants this from now on.
  void arm(interest wanted) {
    one.wanted = wanted;
    interests_.mark_changed(one);
    settle();
  }
  std::string log;
  probe one{5, log};
};

BOOST_FIXTURE_TEST_SUITE(dispatch, scene)

BOOST_AUTO_TEST_CASE(bits_come_in_the_order_read_write_expt) {
  BOOST_TEST(after(readiness::read) == "5read ");
  BOOST_TEST(after(all_of_them) == "5read 5write 5expt ");
}

BOOST_AUTO_TEST_CASE(what_is_not_wanted_is_not_called) {
  arm(interest::write);
  BOOST_TEST(after(all_of_them) == "5write ");
}

// Law 1.
BOOST_AUTO_TEST_CASE(an_unknown_token_is_the_bell_or_stale) {
  BOOST_TEST(after({5, one.id().generation + 1}, readiness::read) == "");
  BOOST_TEST(after({9, 1}, readiness::read) == "");
  BOOST_TEST(bells == 2);
}

// Law 2.
BOOST_AUTO_TEST_CASE(a_hook_that_leaves_ends_the_report) {
  one.then = [&](std::string_view what) {
    if (what == "read") registry_.leave(one);
  };
  BOOST_TEST(after(all_of_them) == "5read ");
}

// Law 3: the read finds the end.
BOOST_AUTO_TEST_CASE(a_hangup_with_bytes_is_a_read) {
  BOOST_TEST(after(readiness::read | readiness::hangup) == "5read ");
}

BOOST_AUTO_TEST_CASE(a_hangup_sends_first_and_is_told_once) {
  arm(interest::write);
  BOOST_TEST(after(readiness::hangup) == "5write 5hangup ");
  BOOST_TEST(one.hung_up());
  BOOST_TEST(poller_.notes == "-5 ");
}

// Laws 3 and 4.
BOOST_AUTO_TEST_CASE(a_paused_channel_with_unread_bytes_is_parked) {
  arm(interest::none);
  one.unread = true;
  poller_.notes.clear();
  BOOST_TEST(after(readiness::hangup) == "");
  BOOST_TEST(poller_.notes == "-5 ");
  BOOST_TEST(!one.hung_up());
}

BOOST_AUTO_TEST_CASE(an_exception_reaches_handle_error_and_the_report_goes_on) {
  one.then = [](std::string_view what) {
    if (what == "read") throw std::system_error(asyncore::errno_code(EIO));
  };
  BOOST_TEST(after(readiness::read | readiness::write) == "5read 5error 5write ");
  BOOST_TEST(errors_.last() == asyncore::errno_code(EIO));
}

BOOST_AUTO_TEST_CASE(what_leaves_handle_error_leaves_the_turn) {
  turning = true;
  one.then = [](std::string_view) { throw std::runtime_error("again"); };
  BOOST_CHECK_THROW(after(readiness::read), std::runtime_error);
  errors_.reset();
  one.then = [](std::string_view) { throw asyncore::exit_now(); };
  BOOST_CHECK_THROW(after(readiness::read), asyncore::exit_now);
  BOOST_TEST(log == "5read ");
}

BOOST_AUTO_TEST_CASE(without_memory_for_handle_error_the_channel_is_given_up) {
  const test::redirected_stderr said;
  one.then = [](std::string_view what) {
    if (what == "read" || what == "error") throw std::bad_alloc();
  };
  BOOST_TEST(after(readiness::read) == "5read 5error 5give_up ");
  BOOST_TEST(said.text().find("no memory for handle_error") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_exception_of_a_channel_that_left_is_logged) {
  const test::redirected_stderr said;
  one.then = [&](std::string_view) {
    registry_.leave(one);
    throw std::runtime_error("its last words");
  };
  BOOST_TEST(after(readiness::read) == "5read ");
  BOOST_TEST(said.text().find("its last words") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_last_hook_that_throws_is_logged_and_exit_now_is_told) {
  const test::redirected_stderr said;
  BOOST_TEST(errors_.call_last_hook([] {}, "probe"));
  BOOST_TEST(errors_.call_last_hook([] { throw std::runtime_error("at the end"); }, "probe"));
  BOOST_TEST(!errors_.call_last_hook([] { throw asyncore::exit_now(); }, "probe"));
  const std::string text = said.text();
  BOOST_TEST(text.find("handle_closed of probe: ") != std::string::npos);
  BOOST_TEST(text.find("at the end") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

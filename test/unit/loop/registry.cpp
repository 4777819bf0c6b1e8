// SPDX-License-Identifier: BSL-1.0
// The channels of a loop, without a loop.
#include <asyncore/loop/registry.hpp>

#include <boost/test/unit_test.hpp>

#include "fake_core.hpp"

namespace {

using test::probe;

struct scene {
  test::fake_core::registry_type all;
  std::string log;
};

BOOST_FIXTURE_TEST_SUITE(registry, scene)

BOOST_AUTO_TEST_CASE(a_channel_is_found_under_its_token) {
  probe one(5, log), other(6, log);
  all.enter(one, false);
  all.enter(other, false);
  BOOST_TEST(all.size() == 2u);
  BOOST_TEST(all.find(one.id()) == &one);
  BOOST_TEST(all.find(other.id()) == &other);
  BOOST_TEST(all.find({5, 0}) == nullptr);
  BOOST_TEST(all.find({5, other.id().generation}) == nullptr);
  all.leave(one);
  all.leave(other);
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_is_used_again_has_another_token) {
  probe first(5, log);
  all.enter(first, false);
  const asyncore::token before = first.id();
  all.leave(first);
  BOOST_TEST(!first.registered());
  probe second(5, log);
  all.enter(second, false);
  BOOST_TEST(all.find(before) == nullptr);
  BOOST_TEST(all.find(second.id()) == &second);
  all.leave(second);
}

BOOST_AUTO_TEST_CASE(an_owned_channel_hears_its_last_hook_and_is_destroyed) {
  probe one(5, log);
  all.enter(one, false);
  all.own(one);
  all.leave(one);
  all.close(one, true);
  BOOST_TEST(all.any_closed());
  BOOST_TEST(log.empty());
  BOOST_TEST(all.reap());
  BOOST_TEST(log == "5last 5destroy ");
  BOOST_TEST(!all.any_left());
}

BOOST_AUTO_TEST_CASE(who_belongs_to_the_user_is_told_only_if_it_has_the_hook) {
  probe told(5, log), untold(6, log);
  for (probe* const each : {&told, &untold}) {
    all.enter(*each, false);
    all.leave(*each);
    all.close(*each, each == &told);
  }
  BOOST_TEST(all.reap());
  BOOST_TEST(log == "5last ");
}

BOOST_AUTO_TEST_CASE(one_that_opens_again_in_its_last_hook_stays) {
  probe one(5, log);
  all.enter(one, false);
  all.own(one);
  all.leave(one);
  all.close(one, true);
  one.then = [&](std::string_view) { all.enter(one, false); };
  BOOST_TEST(all.reap());
  BOOST_TEST(log == "5last ");
  BOOST_TEST(all.size() == 1u);
  all.leave(one);
}

// Two channels that close each other in their last hooks do not keep the loop.
BOOST_AUTO_TEST_CASE(last_hooks_that_close_more_have_their_turn_but_not_without_end) {
  probe one(5, log), other(6, log);
  const auto close = [&](probe& p) {
    all.enter(p, false);
    all.leave(p);
    all.close(p, true);
  };
  one.then = [&](std::string_view) { close(other); };
  other.then = [&](std::string_view) { close(one); };
  close(one);
  BOOST_TEST(!all.reap());
  BOOST_TEST(all.any_closed());
  BOOST_TEST(log == "5last 6last 5last 6last 5last 6last 5last 6last ");
  one.then = other.then = {};
  BOOST_TEST(all.reap());
}

BOOST_AUTO_TEST_CASE(an_owned_channel_that_never_entered_is_kept) {
  probe one(5, log);
  all.own(one);
  BOOST_TEST(all.any_left());
  BOOST_TEST(!all.idle().unlinked());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

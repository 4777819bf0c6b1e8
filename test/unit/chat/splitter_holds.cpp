// SPDX-License-Identifier: BSL-1.0
// A splitter that is held between two hooks.
#include "station.hpp"

#include <utility>

namespace {

using asyncore::terminator;
using test::number;
using test::set;
using test::station;
using test::text;

BOOST_AUTO_TEST_SUITE(splitter_holds)

BOOST_AUTO_TEST_CASE(nothing_to_hold_outside_of_a_hook) {
  station s;
  s.one->hold();
  s.one->set_text("\n");
  s.feed("one\ntwo\n");
  BOOST_TEST(s.story == "one|two|");
  BOOST_TEST(s.asked == 0);
  BOOST_TEST(!s.one->interrupted());
}

BOOST_AUTO_TEST_CASE(a_hold_asks_once_and_goes_on) {
  station s;
  s.one->set_text("\n");
  s.on_found = [&] {
    s.one->hold();
    s.one->hold();
  };
  s.feed("one\ntwo\nrest");
  BOOST_TEST(s.story == "one|two|rest");
  BOOST_TEST(s.asked == 2);
  BOOST_TEST(s.interruptions == 0);
  BOOST_TEST(s.copied == 0u);
}

// Nothing is lost and nothing comes twice, whichever hook holds, for however long, and wherever the
// input is cut.
BOOST_AUTO_TEST_CASE(what_is_held_is_kept) {
  const std::string stream = "one\r\n\r\ntwo\rthree\r\nfo\r\r\n12345";
  for (const terminator& what : {text("\r\n"), number(4), terminator()}) {
    station calm;
    set(*calm.one, what);
    calm.on_found = [&] { set(*calm.one, what); };
    calm.feed(stream);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut)
      for (int at = 1; at <= 12; ++at)
        for (const bool in_collect : {true, false}) {
          station s;
          set(*s.one, what);
          int left = at;
          const auto hold = [&] {
            if (--left == 0) s.one->hold();
          };
          s.on_asked = [] { return false; };
          if (in_collect) s.on_collect = hold;
          s.on_found = [&] {
            set(*s.one, what);
            if (!in_collect) hold();
          };
          for (const std::string_view part :
               {std::string_view(stream).substr(0, cut), std::string_view(stream).substr(cut)}) {
            const int interruptions = s.interruptions;
            BOOST_TEST(s.feed(part));
            if (s.interruptions == interruptions) continue;
            BOOST_TEST(s.one->interrupted());
            if (cut % 2 == 0) s.feed({});  // else the rest comes before the next input
          }
          if (s.one->interrupted()) s.feed({});
          BOOST_TEST(!s.one->interrupted());
          BOOST_TEST(!s.one->keeps_input());
          BOOST_TEST_INFO("cut at " << cut << ", held in hook " << at);
          BOOST_REQUIRE_EQUAL(s.story, calm.story);
          BOOST_REQUIRE((s.one->get() == calm.one->get()));
        }
  }
}

BOOST_AUTO_TEST_CASE(a_terminator_may_change_meanwhile) {
  station s;
  s.one->set_text("\n");
  s.on_found = [&] { s.one->hold(); };
  s.on_asked = [] { return false; };
  s.feed("one\ntwo;th");
  BOOST_TEST(s.story == "one|");
  BOOST_TEST(s.one->keeps_input());
  s.one->set_text(";");
  s.feed("ree\n");
  BOOST_TEST(s.story == "one|two|");
  s.one->set_number(3);
  s.feed({});
  BOOST_TEST(s.story == "one|two|thr|");
  s.one->set_number(0);
  s.feed({});
  BOOST_TEST(s.story == "one|two|thr|ee\n");
  BOOST_TEST(!s.one->keeps_input());
}

BOOST_AUTO_TEST_CASE(what_is_kept_may_be_discarded) {
  for (const int when : {0, 1, 2}) {
    station s;
    s.one->set_text("\n");
    s.on_found = [&] {
      if (when == 0) s.one->discard();
      s.one->hold();
    };
    s.on_asked = [&] {
      if (when == 1) s.one->discard();
      return false;
    };
    s.feed("one\ntwo\n");
    if (when == 2) s.one->discard();
    BOOST_TEST(!s.one->keeps_input());
    s.on_found = nullptr;
    s.feed("new\n");
    BOOST_TEST(s.story == "one|new|");
  }
}

BOOST_AUTO_TEST_CASE(who_is_asked_may_stop_or_destroy) {
  for (const bool goes_on : {true, false})
    for (const bool destroys : {true, false}) {
      station s;
      s.one->set_text("\n");
      s.on_found = [&] { s.one->hold(); };
      s.on_asked = [&] {
        destroys ? s.one.reset() : s.one->stop();
        return goes_on;
      };
      BOOST_TEST(!s.feed("one\ntwo\n"));
      BOOST_TEST(s.story == "one|");
    }
}

// A hook that feeds: the pieces come in the order of the stream.
BOOST_AUTO_TEST_CASE(a_feed_inside_does_not_overtake) {
  for (const bool in_collect : {true, false})
    for (const bool holds : {true, false}) {
      station s;
      s.one->set_text("\r\n");
      bool fed = false;
      s.on_asked = [&] { return !holds; };
      const auto feeds = [&] {
        if (std::exchange(fed, true)) return;
        if (holds) s.one->hold();
        s.feed("four\r\nfi");
      };
      (in_collect ? s.on_collect : s.on_found) = feeds;
      s.feed("one\r\ntwo\r\nthree\r\n");
      if (s.one->interrupted()) s.feed({});
      s.feed("ve\r\n");
      BOOST_TEST(s.story == "one|two|three|four|five|");
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

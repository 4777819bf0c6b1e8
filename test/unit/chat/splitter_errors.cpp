// SPDX-License-Identifier: BSL-1.0
// A splitter whose hooks throw.
#include "station.hpp"

#include <stdexcept>

namespace {

using asyncore::splitter;
using asyncore::terminator;
using test::number;
using test::set;
using test::station;
using test::text;

BOOST_AUTO_TEST_SUITE(splitter_errors)

#if ASYNCORE_HAS_EXCEPTIONS

struct on_purpose : std::exception {};

// Throws once, at the given piece or terminator.
struct thrower {
  void operator()() {
    if (--left == 0) throw on_purpose();
  }
  int left;
};

// Nothing is lost and nothing comes twice, whichever hook throws, and wherever the input is cut.
BOOST_AUTO_TEST_CASE(go_on_where_a_hook_threw) {
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
          thrower collect{in_collect ? at : 0}, found{in_collect ? 0 : at};
          s.on_collect = [&] { collect(); };
          s.on_found = [&] {
            set(*s.one, what);
            found();
          };
          int thrown = 0;
          for (const std::string_view part :
               {std::string_view(stream).substr(0, cut), std::string_view(stream).substr(cut)}) {
            try {
              s.feed(part);
            } catch (const on_purpose&) {
              ++thrown;
              BOOST_TEST(s.one->interrupted());
              BOOST_TEST(s.interruptions == thrown);
              if (cut % 2 == 0) s.feed({});  // else the rest comes before the next input
            }
          }
          if (s.one->interrupted()) s.feed({});
          BOOST_TEST(!s.one->interrupted());
          BOOST_TEST_INFO("cut at " << cut << ", threw in hook " << at);
          BOOST_REQUIRE_EQUAL(s.story, calm.story);
          BOOST_REQUIRE((s.one->get() == calm.one->get()));
        }
  }
}

BOOST_AUTO_TEST_CASE(keep_nothing_of_a_throwing_hook_that_discarded_stopped_or_destroyed) {
  for (const int what : {0, 1, 2}) {
    station s;
    s.one->set_text("\n");
    s.on_found = [&] {
      if (what == 0) s.one->discard();
      if (what == 1) s.one->stop();
      if (what == 2) s.one.reset();
      throw on_purpose();
    };
    BOOST_CHECK_THROW(s.feed("one\ntwo\n"), on_purpose);
    BOOST_TEST(s.story == "one|");
    if (what == 2) continue;
    s.on_found = nullptr;
    s.feed("new\n");
    BOOST_TEST(s.story == "one|new|");
  }
}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

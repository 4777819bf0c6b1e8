// SPDX-License-Identifier: BSL-1.0
// Where a splitter cuts, and what hooks may do to it meanwhile.
#include "station.hpp"

#include <memory>

namespace {

using asyncore::bytes_view;
using asyncore::splitter;
using asyncore::terminator;
using test::number;
using test::set;
using test::station;
using test::text;

BOOST_AUTO_TEST_SUITE(splitters)

BOOST_AUTO_TEST_CASE(give_all_out_at_first) {
  station s;
  BOOST_TEST(s.one->get().none());
  BOOST_TEST(s.feed("abc"));
  BOOST_TEST(s.feed("def"));
  BOOST_TEST(s.story == "abcdef");
}

BOOST_AUTO_TEST_CASE(find_a_text) {
  station s;
  s.one->set_text("\r\n");
  BOOST_TEST((s.one->get() == text("\r\n")));
  s.feed("one\r\n\r\ntwo\r\nthr");
  BOOST_TEST(s.story == "one||two|thr");
  s.feed("ee\r");
  BOOST_TEST(s.story == "one||two|three");
  s.feed("\r");  // the one before was data
  BOOST_TEST(s.story == "one||two|three\r");
  s.feed("\nfour");
  BOOST_TEST(s.story == "one||two|three\r|four");
  BOOST_TEST(s.copied == 1u);
}

BOOST_AUTO_TEST_CASE(count_a_number) {
  station s;
  s.one->set_number(4);
  s.feed("a");
  BOOST_TEST((s.one->get() == number(3)));
  s.feed("bcdefgh");
  BOOST_TEST(s.story == "abcd|efgh");  // once; then nothing ends a piece, as in Python
  BOOST_TEST(s.one->get().none());
  s.on_found = [&] { s.one->set_number(2); };
  s.one->set_number(2);
  s.feed("123456789");
  BOOST_TEST(s.story == "abcd|efgh12|34|56|78|9");
  BOOST_TEST((s.one->get() == number(1)));
  BOOST_TEST(s.copied == 0u);
}

BOOST_AUTO_TEST_CASE(count_a_number_beyond_memory) {
  station s;
  s.one->set_number(std::uint64_t{1} << 62);
  s.feed("abc");
  BOOST_TEST(s.story == "abc");
  BOOST_TEST((s.one->get() == number((std::uint64_t{1} << 62) - 3)));
}

BOOST_AUTO_TEST_CASE(take_an_empty_text_or_none_as_nothing) {
  station s;
  s.one->set_text("x");
  s.one->set_text("");
  BOOST_TEST(s.one->get().none());
  s.feed("axb");
  s.one->set_number(0);
  s.feed("cxd");
  BOOST_TEST(s.story == "axbcxd");
}

BOOST_AUTO_TEST_CASE(change_in_found) {
  station s;
  s.one->set_text("\n");
  std::vector<terminator> next = {number(5), text("end"), {}, text("never")};
  std::size_t at = 0;
  s.on_found = [&] { set(*s.one, next[at++]); };
  s.feed("put 5\nab\ncdtextendall\nof it");
  BOOST_TEST(s.story == "put 5|ab\ncd|text|all\nof it");
  BOOST_TEST(s.copied == 0u);
}

// What of a terminator was kept is searched for the next one, together with what follows.
BOOST_AUTO_TEST_CASE(change_while_a_part_is_kept) {
  {
    station s;
    s.one->set_text("end");
    s.feed("dataen");
    BOOST_TEST(s.story == "data");
    s.one->set_text("n");
    BOOST_TEST(s.story == "data");  // nothing is called from inside
    s.feed("xny");
    BOOST_TEST(s.story == "datae|x|y");
    BOOST_TEST(s.copied == 1u);  // the input itself is not
  }
  {
    station s;
    s.one->set_text("end");
    s.feed("en");
    s.one->set_number(3);
    s.one->set_text("other");
    s.one->set_text("end");  // and back: it still counts
    s.feed("d");
    BOOST_TEST(s.story == "|");
  }
  {
    station s;
    s.one->set_text("aab");
    s.feed("aa");
    s.one->set_text("aaac");
    s.feed("ac");
    BOOST_TEST(s.story == "|");
    BOOST_TEST(s.copied == 0u);
  }
  {
    station s;
    s.one->set_text("abcd");
    s.feed("abc");
    s.one->set_number(2);
    s.feed("xy");
    BOOST_TEST(s.story == "ab|cxy");
  }
}

// Python does so too.
BOOST_AUTO_TEST_CASE(change_in_collect_behind_the_piece) {
  station s;
  s.one->set_text("end");
  s.on_collect = [&] { s.one->set_text("\n"); };
  s.feed("a\nbendc\nd");
  BOOST_TEST(s.story == "a\nb|c|d");
}

// Python forgets the terminator that is set there.
BOOST_AUTO_TEST_CASE(change_in_collect_of_the_last_of_a_number) {
  station s;
  s.one->set_number(3);
  s.on_collect = [&] { s.one->set_text("\n"); };
  s.feed("abcd\ne");
  BOOST_TEST(s.story == "abc|d|e");
}

BOOST_AUTO_TEST_CASE(set_the_same_again) {
  station s;
  s.one->set_text("\r\n");
  s.feed("a\r");
  s.one->set_text("\r\n");
  s.feed("\nb");
  BOOST_TEST(s.story == "a|b");
  BOOST_TEST(s.copied == 0u);
}

BOOST_AUTO_TEST_CASE(set_a_part_of_what_they_hold) {
  station s;
  s.one->set_text("long enough to be in memory of its own");
  s.feed("long");
  const terminator held = s.one->get();
  s.one->set_text(std::string_view(held.text).substr(0, 5));
  s.feed(" ");
  BOOST_TEST(s.story == "|");
}

BOOST_AUTO_TEST_CASE(discard_between) {
  station s;
  s.one->set_text("end");
  s.feed("aen");
  s.one->discard();
  s.feed("dbend");
  BOOST_TEST(s.story == "adb|");
  s.one->set_number(5);
  s.feed("12");
  s.one->discard();  // the number goes on: these bytes were given out
  s.feed("345");
  BOOST_TEST(s.story == "adb|12345|");
  s.one->set_text("end");
  s.feed("en");
  s.one->set_text("dx");  // what was kept is discarded also when the terminator has changed
  s.one->discard();
  s.feed("dx");
  BOOST_TEST(s.story == "adb|12345||");
}

BOOST_AUTO_TEST_CASE(discard_in_found) {
  station s;
  s.one->set_text("\n");
  s.on_found = [&] { s.one->discard(); };
  BOOST_TEST(s.feed("one\ntwo\nthree\n"));
  BOOST_TEST(s.story == "one|");
  s.feed("four\n");
  BOOST_TEST(s.story == "one|four|");
}

// The terminator of the piece that is being given out is still found, as in Python.
BOOST_AUTO_TEST_CASE(discard_in_collect) {
  for (const terminator& what : {text("\n"), number(3)}) {
    station s;
    set(*s.one, what);
    s.on_collect = [&] { s.one->discard(); };
    BOOST_TEST(s.feed("one\ntwo\n"));
    BOOST_TEST(s.story == "one|");
    s.on_collect = nullptr;
    set(*s.one, what);
    s.feed("six\n");
    BOOST_TEST(s.story.substr(0, 8) == "one|six|");
  }
  station s;
  s.one->set_text("\r\n");
  s.on_collect = [&] { s.one->discard(); };
  s.feed("abc\r");  // the part of the terminator is discarded with the rest
  s.feed("\n");
  BOOST_TEST(s.story == "abc\n");
}

BOOST_AUTO_TEST_CASE(call_nothing_after_a_stop) {
  for (const bool in_collect : {true, false}) {
    station s;
    s.one->set_text("\r\n");
    (in_collect ? s.on_collect : s.on_found) = [&] { s.one->stop(); };
    BOOST_TEST(!s.feed("one\r\ntwo\r\nthree"));
    BOOST_TEST(s.story == (in_collect ? "one" : "one|"));
    s.on_collect = s.on_found = nullptr;
    BOOST_TEST(s.feed("new\r\n"));  // it can be used again, for another stream
    BOOST_TEST(s.story == (in_collect ? "onenew|" : "one|new|"));
  }
  station s;
  s.one->set_text("end");
  s.feed("en");
  s.one->stop();
  s.feed("d");
  BOOST_TEST(s.story == "d");
}

BOOST_AUTO_TEST_CASE(call_nothing_once_destroyed) {
  for (const terminator& what : {text("\n"), number(3), terminator()})
    for (const bool in_collect : {true, false}) {
      station s;
      set(*s.one, what);
      (in_collect || what.none() ? s.on_collect : s.on_found) = [&] { s.one.reset(); };
      BOOST_TEST(!s.feed("one\ntwo\n"));
      BOOST_TEST(s.story == (what.none() ? "one\ntwo\n" : in_collect ? "one" : "one|"));
    }
  // In the first half of a piece of which a part was kept.
  station s;
  s.one->set_text("\r\n");
  s.feed("\r");
  s.on_collect = [&] { s.one.reset(); };
  BOOST_TEST(!s.feed("abc"));
  BOOST_TEST(s.story == "\r");
}

// As in Python, what has been received before comes first.
BOOST_AUTO_TEST_CASE(may_be_fed_by_their_own_hooks) {
  station s;
  s.one->set_text("\n");
  s.on_found = [&] {
    if (s.story == "one|") s.one->feed(bytes_view("inner\n"), station::sink{&s});
  };
  s.feed("one\ntwo\n");
  BOOST_TEST(s.story == "one|two|inner|");
  s.story.clear();
  s.on_found = [&] {
    s.on_found = [&] { s.one.reset(); };
    s.one->feed(bytes_view("inner\n"), station::sink{&s});
  };
  BOOST_TEST(!s.feed("one\ntwo\n"));
  BOOST_TEST(s.story == "one|two|");
}

BOOST_AUTO_TEST_CASE(tell_how_long_a_text_has_been_waited_for) {
  station s;
  s.one->set_text("\r\n");
  s.feed("1234567890");
  BOOST_TEST(s.one->waiting() == 10u);
  s.feed("12345\r");
  BOOST_TEST(s.one->waiting() == 15u);
  s.feed("x");
  BOOST_TEST(s.one->waiting() == 17u);
  s.feed("\r\nabc");
  BOOST_TEST(s.one->waiting() == 3u);
  s.one->wait_anew();
  s.feed("de");
  BOOST_TEST(s.one->waiting() == 2u);
  s.one->set_number(100);
  s.feed("12345");
  BOOST_TEST(s.one->waiting() == 0u);
  s.one->set_text("");
  s.feed("12345");
  BOOST_TEST(s.one->waiting() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// What an async_chat receives.
#include <boost/test/unit_test.hpp>

#include <limits>
#include <stdexcept>
#include <string>

#include "chat/room.hpp"

namespace {

using test::chat_room;
using test::expect;
using test::matrix;

BOOST_FIXTURE_TEST_SUITE(async_chat_input, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_at_a_text, Place, matrix) {
  chat_room<Place> room;
  room.one->set_terminator("\r\n");
  room.send("one\r\n\r\ntwo\r\nthr");
  room.tells("one||two|thr");
  room.send("ee\r\n");
  room.tells("one||two|three|");
  expect((room.one->get_terminator() == asyncore::terminator{"\r\n", 0}));
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_at_a_number, Place, matrix) {
  chat_room<Place> room;
  room.one->set_terminator(5);
  room.one->on_found = [](auto& self) { self.set_terminator(3u); };
  room.send("12345abcde");
  room.tells("12345|abc|de");
  expect((room.one->get_terminator() == asyncore::terminator{"", 1}));
  room.send("f");
  room.tells("12345|abc|def|");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_nowhere, Place, matrix) {
  for (const int none : {0, 1, 2, 3, 4}) {
    chat_room<Place> room;
    switch (none) {
      case 0: room.one->set_terminator(nullptr); break;
      case 1: room.one->set_terminator(std::nullopt); break;
      case 2: room.one->set_terminator(0); break;
      case 3: room.one->set_terminator(""); break;
      default: room.one->set_terminator(asyncore::terminator());
    }
    expect(room.one->get_terminator().none());
    room.send("all\nof ");
    room.tells("all\nof ");
    room.send("it");
    room.tells("all\nof it");
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(comes_a_byte_at_a_time, Place, matrix) {
  chat_room<Place> room;
  room.one->set_terminator("\r\n.\r\n");
  for (const char c : std::string_view("line\r\n.line\r\n\r\n.\r\r\n.\r\nnext")) {
    room.send({&c, 1});
    room.turn();
  }
  expect(room.story.text == "line\r\n.line\r\n\r\n.\r|next");
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(changes_its_end_in_found, Place, matrix) {
  chat_room<Place> room;
  int found = 0;
  room.one->on_found = [&](auto& self) {
    switch (++found) {
      case 1: return self.set_terminator(4);
      case 2: return self.set_terminator("end");
      default: self.set_terminator(nullptr);
    }
  };
  room.send("put 4\nab\ndtextendrest\nof it");
  room.tells("put 4|ab\nd|text|rest\nof it");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(changes_its_end_between, Place, matrix) {
  chat_room<Place> room;
  room.one->set_terminator("end");
  room.send("abcen");
  room.tells("abc");
  room.one->set_terminator('\n');
  room.send("x\ny");
  room.tells("abcenx|y");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_more_than_the_buffer, Place, matrix) {
  chat_room<Place> room;
  std::string line(100'000, 'x');
  room.send(line);
  room.send("\nrest");
  room.tells(line + "|rest");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(comes_before_the_end_of_the_stream, Place, matrix) {
  chat_room<Place> room;
  room.send("line\ntail");
  room.pair.far.reset();
  expect(room.until([&] { return room.story.closes > 0; }));
  expect(room.story.text == "line|tail");
  expect(room.story.closes == 1);
  expect(room.undisturbed());
}

// Closing and destroying inside of the hooks.

BOOST_AUTO_TEST_CASE_TEMPLATE(stops_when_a_hook_closes, Place, matrix) {
  for (const bool in_collect : {true, false}) {
    chat_room<Place> room;
    auto close = [](auto& self) { self.close(); };
    (in_collect ? room.one->on_collect : room.one->on_found) = close;
    room.send("one\ntwo\n");
    const std::string expected = in_collect ? "one" : "one|";
    room.tells(expected);
    expect(room.ended());
    expect(room.story.closes == 0);  // nobody's hangup: the channel closed by itself
    expect(room.undisturbed());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stops_when_a_hook_destroys, Place, matrix) {
  for (const bool in_collect : {true, false})
    for (const bool number : {true, false}) {
      chat_room<Place> room;
      if (number) room.one->set_terminator(3);
      auto destroy = [&](auto&) { room.one.reset(); };
      (in_collect ? room.one->on_collect : room.one->on_found) = destroy;
      room.send("one\ntwo\n");
      const std::string expected = in_collect ? "one" : "one|";
      room.tells(expected);
      expect(!room.story.alive);
      expect(room.ended());
      expect(room.undisturbed());
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stops_when_an_owned_channel_closes, Place, matrix) {
  chat_room<Place> room;
  test::ends pair = test::socket_pair();
  test::chat_story story;
  auto& owned = room.loop.template emplace<test::chatter<Place>>(std::move(pair.near), story);
  owned.on_found = [](auto& self) { self.close(); };
  test::put(pair.far, "one\ntwo\n");
  expect(room.until([&] { return !story.alive; }));
  expect(story.text == "one|");
  expect(test::at_end(pair.far));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(of_another_channel_that_a_hook_closes, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [&](auto&) { room.other.close(); };
  room.send("one\ntwo\n");
  room.tells("one|two|");
  expect(test::at_end(room.other_pair.far));
}

// The rest belongs to the connection that is gone.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_dropped_with_its_connection, Place, matrix) {
  for (const bool closes : {true, false})
    for (const bool in_collect : {true, false}) {
      chat_room<Place> room;
      test::ends second = test::socket_pair();
      auto renew = [&](auto& self) {
        self.on_found = self.on_collect = nullptr;
        if (closes) self.close();
        self.set_socket(asyncore::socket(std::move(second.near)));
      };
      (in_collect ? room.one->on_collect : room.one->on_found) = renew;
      room.send("one\ntwo\n");
      room.turn(2);
      test::put(second.far, "new\n");
      const std::string expected = in_collect ? "onenew|" : "one|new|";
      room.tells(expected);
      expect(test::at_end(room.pair.far));
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(of_the_last_connection_is_not_that_of_the_next, Place, matrix) {
  chat_room<Place> room;
  room.one->set_terminator("end");
  room.send("en");
  room.turn(2);
  test::ends second = test::socket_pair();
  room.one->set_socket(asyncore::socket(std::move(second.near)));
  test::put(second.far, "dend");
  room.tells("d|");
}

// As in Python: what has been received is given out.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_given_out_though_the_channel_leaves_the_map, Place, matrix) {
  for (const bool enters_again : {true, false}) {
    chat_room<Place> room;
    room.one->on_found = [&](auto& self) {
      self.on_found = nullptr;
      self.del_channel();
      if (enters_again) self.add_channel();
    };
    room.send("one\ntwo\nthree");
    room.tells("one|two|three");
    room.send("\n");
    room.turn(2);
    expect(room.story.text == (enters_again ? "one|two|three|" : "one|two|three"));
    if (!enters_again) room.one->add_channel();
    room.tells("one|two|three|");
    room.one->push("answer");
    expect(room.received(6) == "answer");
    expect(room.undisturbed());
  }
}

// Discarding.

BOOST_AUTO_TEST_CASE_TEMPLATE(is_discarded_in_found, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [](auto& self) {
    self.on_found = nullptr;
    self.discard_buffers();
  };
  room.send("one\ntwo\nthree");
  room.tells("one|");
  room.send("four\n");
  room.tells("one|four|");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_discarded_in_collect, Place, matrix) {
  chat_room<Place> room;
  room.one->on_collect = [](auto& self) {
    self.on_collect = nullptr;
    self.discard_buffers();
  };
  room.send("one\ntwo\nthree");
  room.tells("one|");
  room.send("four\n");
  room.tells("one|four|");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_discarded_between, Place, matrix) {
  chat_room<Place> room;
  room.one->set_terminator("end");
  room.send("aen");
  room.tells("a");
  room.one->discard_buffers();
  room.send("dbend");
  room.tells("adb|");
}

// Terminators that are none.

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE(a_char_is_a_text) {
  chat_room<test::place<asyncore::poll_poller, test::dense, false>> room;
  expect((room.one->get_terminator() == asyncore::terminator{"\n", 0}));
  room.one->set_terminator('1');
  expect((room.one->get_terminator() == asyncore::terminator{"1", 0}));
  room.one->set_terminator(static_cast<unsigned char>(1));  // a small number is one
  expect((room.one->get_terminator() == asyncore::terminator{"", 1}));
}

BOOST_AUTO_TEST_CASE(a_terminator_can_be_set_again) {
  chat_room<test::place<asyncore::poll_poller, test::dense, false>> room;
  for (const asyncore::terminator& each :
       {asyncore::terminator{"end", 0}, asyncore::terminator{"", 7}, asyncore::terminator{}}) {
    room.one->set_terminator(each);
    const asyncore::terminator got = room.one->get_terminator();
    expect((got == each));
    room.one->set_terminator("other");
    room.one->set_terminator(got);
    expect((room.one->get_terminator() == each));
  }
}
#endif

template <class Chat, class T>
concept can_end_at = requires(Chat& c, T t) { c.set_terminator(t); };
using any_chatter = test::chatter<test::place<asyncore::poll_poller, test::dense, false>>;
static_assert(can_end_at<any_chatter, std::string>);
static_assert(can_end_at<any_chatter, std::uint64_t>);
static_assert(!can_end_at<any_chatter, bool>);
static_assert(!can_end_at<any_chatter, char8_t>);
static_assert(!can_end_at<any_chatter, wchar_t>);
static_assert(!can_end_at<any_chatter, double>);

#if ASYNCORE_HAS_EXCEPTIONS

template <class Number>
std::error_code refusal(any_chatter& chat, Number number, std::string_view reason) {
  try {
    chat.set_terminator(number);
  } catch (const std::system_error& e) {
    expect(std::string_view(e.what()).find(reason) != std::string_view::npos);
    return e.code();
  }
  return {};
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE(a_number_that_is_no_size_is_refused) {
  chat_room<test::place<asyncore::poll_poller, test::dense, false>> room;
  room.one->set_terminator("end");
  const auto negative = std::make_error_code(std::errc::invalid_argument);
  const auto too_large = std::make_error_code(std::errc::value_too_large);
  const std::string_view is_negative = "set_terminator: the number of bytes is negative";
  const std::string_view is_large = "set_terminator: the number of bytes is too large";
  expect((refusal(*room.one, -1, is_negative) == negative));
  expect((refusal(*room.one, std::numeric_limits<long long>::min(), is_negative) == negative));
  expect((refusal(*room.one, static_cast<signed char>(-5), is_negative) == negative));
  expect((refusal(*room.one, std::numeric_limits<std::uint64_t>::max(), is_large) == too_large));
  expect((refusal(*room.one, std::uint64_t{1} << 63, is_large) == too_large));
  const asyncore::terminator overflowing{"", ~std::uint64_t{0}};
  BOOST_CHECK_THROW(room.one->set_terminator(overflowing), std::system_error);
  expect((room.one->get_terminator() == asyncore::terminator{"end", 0}));  // still
  expect(!refusal(*room.one, std::numeric_limits<std::ptrdiff_t>::max(), ""));
}
#endif

// Hooks that throw.

struct on_purpose : std::exception {};

BOOST_AUTO_TEST_CASE_TEMPLATE(closes_its_channel_when_a_hook_throws, Place, matrix) {
  for (const bool in_collect : {true, false}) {
    chat_room<Place> room;
    auto fail = [](auto&) { throw on_purpose(); };
    (in_collect ? room.one->on_collect : room.one->on_found) = fail;
    room.send("one\ntwo\n");
    const std::string expected = in_collect ? "one" : "one|";
    room.tells(expected);
    expect(room.story.errors == 1);
    expect(room.story.closes == 1);
    expect(room.ended());
    expect(room.undisturbed());
  }
}

// The error is reported, and the next line is not lost.
BOOST_AUTO_TEST_CASE_TEMPLATE(goes_on_when_handle_error_keeps_the_channel, Place, matrix) {
  for (const bool in_collect : {true, false}) {
    chat_room<Place> room;
    int calls = 0;
    auto fail = [&](auto&) {
      if (++calls % 2 == 1) throw on_purpose();
    };
    (in_collect ? room.one->on_collect : room.one->on_found) = fail;
    room.one->on_error = [](auto&) {};
    room.send("one\ntwo\nthree\nfour");
    const std::string expected = "one|two|three|four";
    room.tells(expected);
    expect(room.story.errors == 2);
    room.send("\n");
    room.tells(expected + "|");
    expect(room.undisturbed());
  }
}

// Each line throws: every one is seen once, in its order, and the others are served meanwhile.
BOOST_AUTO_TEST_CASE_TEMPLATE(goes_on_through_many_errors, Place, matrix) {
  chat_room<Place> room;
  std::string lines, expected;
  for (int i = 0; i < 300; ++i) {
    lines += std::to_string(i) + "\n";
    expected += std::to_string(i) + "|";
  }
  room.one->on_found = [](auto&) { throw on_purpose(); };
  room.one->on_error = [](auto&) {};
  room.send(lines);
  room.turn();
  expect(room.story.errors < 50);  // bounded in one turn
  expect(room.undisturbed());
  room.send("last\n");
  room.tells(expected + "last|");
  expect(room.story.errors == 301);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(goes_on_after_an_exit, Place, matrix) {
  for (const bool in_collect : {true, false}) {
    chat_room<Place> room;
    auto leave = [](auto& self) {
      self.on_collect = self.on_found = nullptr;
      throw asyncore::exit_now();
    };
    (in_collect ? room.one->on_collect : room.one->on_found) = leave;
    room.send("one\ntwo\n");
    BOOST_CHECK_THROW(room.turn(), asyncore::exit_now);
    expect(room.story.text == (in_collect ? "one" : "one|"));
    room.tells("one|two|");
    expect(room.story.errors == 0);
    expect(room.undisturbed());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(goes_on_after_many_exits, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [](auto&) { throw asyncore::exit_now(); };
  room.send("1\n2\n3\n4\n5\n");
  for (int i = 0; i < 5; ++i) BOOST_CHECK_THROW(room.turn(3), asyncore::exit_now);
  room.tells("1|2|3|4|5|");
}

// What is left comes before what the kernel has, and before the end of the stream.
BOOST_AUTO_TEST_CASE_TEMPLATE(goes_on_before_more_is_read, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [](auto& self) {
    if (self.story.text == "one|") throw asyncore::exit_now();
  };
  room.send("one\ntwo\n");
  BOOST_CHECK_THROW(room.turn(), asyncore::exit_now);
  room.send("three\n");
  room.pair.far.reset();
  room.loop.readwrite(*room.one, asyncore::readiness::read);
  room.tells("one|two|three|");
  expect(room.until([&] { return room.story.closes == 1; }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_gone_when_handle_error_destroys, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [](auto&) { throw on_purpose(); };
  room.one->on_error = [&](auto&) { room.one.reset(); };
  room.send("one\ntwo\n");
  room.tells("one|");
  expect(!room.story.alive);
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_gone_when_a_hook_destroys_and_throws, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [&](auto&) {
    room.one.reset();
    throw on_purpose();
  };
  room.send("one\ntwo\n");
  room.tells("one|");
  expect(room.undisturbed());
}

#endif

// Limits.

BOOST_AUTO_TEST_CASE_TEMPLATE(is_limited_while_a_text_does_not_come, Place, matrix) {
  chat_room<Place> room;
  room.one->incoming_limit = 1'000;
  room.send(std::string(1'000, 'x'));
  room.tells(std::string(1'000, 'x'));
  expect(room.story.incoming_limits == 0);
  room.send("\n");  // in time
  room.tells(std::string(1'000, 'x') + "|");
  for (int i = 0; i < 100; ++i) {
    if (!room.story.alive || room.one->native_handle() < 0) break;
    room.send(std::string(100, 'y'));
    room.turn(2);
  }
  expect(room.story.incoming_limits == 1);
  expect(room.story.closes == 1);
  expect(room.story.text.size() == 1'001u + 1'100u);
  BOOST_REQUIRE_EQUAL(room.story.log.size(), 1u);
  expect(room.story.log[0].starts_with("error: no terminator within the incoming limit, "
                                           "closing channel <"));
  expect(room.ended());
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_limited_anew_when_the_hook_keeps_the_channel, Place, matrix) {
  chat_room<Place> room;
  room.one->incoming_limit = 1'000;
  room.one->on_incoming_limit = [](auto& self) { self.story.text.clear(); };
  std::size_t most = 0;
  for (int i = 0; i < 100; ++i) {
    room.send(std::string(100, 'y'));
    room.turn(2);
    most = std::max(most, room.story.text.size());
  }
  expect(room.story.incoming_limits == 9);
  expect(most <= 1'100u);
  room.send("\nline\n");
  expect(room.story.closes == 0);
  expect(room.until([&] { return room.story.text.ends_with("|line|"); }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_not_limited_without_a_text, Place, matrix) {
  for (const bool number : {true, false}) {
    chat_room<Place> room;
    room.one->incoming_limit = 1'000;
    if (number) {
      room.one->set_terminator(1'000'000);
    } else {
      room.one->set_terminator(nullptr);
    }
    for (int i = 0; i < 50; ++i) {
      room.send(std::string(100, 'y'));
      room.turn(2);
    }
    expect(room.story.text.size() == 5'000u);
    expect(room.story.incoming_limits == 0);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_gone_when_the_limit_destroys, Place, matrix) {
  chat_room<Place> room;
  room.one->incoming_limit = 10;
  room.one->on_incoming_limit = [&](auto&) { room.one.reset(); };
  room.send("no terminator in this");
  room.tells("no terminator in this");
  expect(!room.story.alive);
  expect(room.undisturbed());
}

template <class Place>
struct small;
template <class Place>
using small_loop = typename Place::template loop<small<Place>>;

// The same, as class constants.
template <class Place>
struct small : asyncore::async_chat<small<Place>, small_loop<Place>> {
  using small::async_chat::async_chat;
  static constexpr std::size_t incoming_limit = 20;
  static constexpr std::size_t ac_in_buffer_size = 8;
  void collect_incoming_data(std::span<const std::byte> data) {
    expect(data.size() <= 8u);
    collected += data.size();
  }
  void found_terminator() {}
  void handle_incoming_limit() { ++limits; }
  std::size_t collected = 0;
  int limits = 0;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(has_limits_of_its_class, Place, matrix) {
  small_loop<Place> loop;
  test::ends pair = test::socket_pair();
  small<Place> one(loop, asyncore::socket(std::move(pair.near)));
  one.set_terminator("\n");
  test::put(pair.far, std::string(24, 'x'));
  expect(test::turn_until(loop, [&] { return one.collected == 24; }));
  expect(one.limits == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_read_in_the_size_of_the_buffer, Place, matrix) {
  chat_room<Place> room;
  room.one->ac_in_buffer_size = 4;
  room.one->set_terminator(nullptr);
  int collected = 0;
  room.one->on_collect = [&](auto&) { ++collected; };
  room.send("123456789");
  room.tells("123456789");
  expect(collected == 3);
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE(needs_no_socket) {
  chat_room<test::place<asyncore::poll_poller, test::dense, false>> room;
  room.one->close();
  room.one->handle_data(asyncore::bytes_view("one\ntwo\n"));
  expect(room.story.text == "one|two|");
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// What an async_chat receives.
#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>

#include "room.hpp"

namespace {

using test::chat_room;
using test::expect;
using test::matrix;

/// Reads by `recv`, or has its base read.
template <class Place>
struct own_reads;
template <class Place>
using own_reads_loop = typename Place::template loop<own_reads<Place>>;
template <class Place>
struct own_reads : asyncore::async_chat<own_reads<Place>, own_reads_loop<Place>> {
  own_reads(own_reads_loop<Place>& loop, asyncore::socket peer)
      : own_reads::async_chat(loop, std::move(peer)) {
    this->set_terminator("\n");
  }
  void handle_read() {
    if (splits) return own_reads::async_chat::handle_read();
    std::byte buffer[16];
    const asyncore::io_result got = this->recv(buffer);
    text += asyncore::as_text(std::span(buffer).first(got.bytes()));
  }
  void collect_incoming_data(std::span<const std::byte> data) { text += asyncore::as_text(data); }
  void found_terminator() { text += '|'; }
  void handle_close() {
    text += '$';
    this->close();
  }
  bool splits = false;
  std::string text;
};

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
#endif

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

// As CPython's test_ftplib and test_poplib do.
BOOST_AUTO_TEST_CASE_TEMPLATE(may_be_read_by_the_class_itself, Place, test::one_a_poller) {
  test::ends pair = test::socket_pair();
  typename own_reads<Place>::loop_type loop;
  own_reads<Place> reads(loop, asyncore::socket(std::move(pair.near)));
  test::put(pair.far, "abc");
  expect(test::turn_until(loop, [&] { return reads.text == "abc"; }));
  reads.splits = true;
  test::put(pair.far, "one\ntwo\n");
  expect(test::turn_until(loop, [&] { return reads.text == "abcone|two|"; }));
  reads.splits = false;
  pair.far.reset();
  expect(test::turn_until(loop, [&] { return loop.empty(); }));
  expect(reads.text == "abcone|two|$");
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

// SPDX-License-Identifier: BSL-1.0
// Hooks and producers of an async_chat that throw.
#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

#include "room.hpp"
#include "scripted_producer.hpp"

namespace {

using test::chat_room;
using test::expect;
using test::matrix;
using test::producer;

#if ASYNCORE_HAS_EXCEPTIONS

BOOST_FIXTURE_TEST_SUITE(async_chat_errors, test::world)

struct on_purpose : std::exception {};

BOOST_AUTO_TEST_CASE_TEMPLATE(input_closes_its_channel_when_a_hook_throws, Place, matrix) {
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
BOOST_AUTO_TEST_CASE_TEMPLATE(input_goes_on_when_handle_error_keeps_the_channel, Place, matrix) {
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
BOOST_AUTO_TEST_CASE_TEMPLATE(input_goes_on_through_many_errors, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(input_goes_on_after_an_exit, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(input_goes_on_after_many_exits, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [](auto&) { throw asyncore::exit_now(); };
  room.send("1\n2\n3\n4\n5\n");
  for (int i = 0; i < 5; ++i) BOOST_CHECK_THROW(room.turn(3), asyncore::exit_now);
  room.tells("1|2|3|4|5|");
}

// What is left comes before what the kernel has, and before the end of the stream.
BOOST_AUTO_TEST_CASE_TEMPLATE(input_goes_on_before_more_is_read, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(input_is_gone_when_handle_error_destroys, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [](auto&) { throw on_purpose(); };
  room.one->on_error = [&](auto&) { room.one.reset(); };
  room.send("one\ntwo\n");
  room.tells("one|");
  expect(!room.story.alive);
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(input_is_gone_when_a_hook_destroys_and_throws, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [&](auto&) {
    room.one.reset();
    throw on_purpose();
  };
  room.send("one\ntwo\n");
  room.tells("one|");
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(output_ends_when_a_producer_throws, Place, matrix) {
  for (const bool in_hook : {true, false}) {
    chat_room<Place> room;
    bool alive = false;
    int asked = 0;
    auto produce = [&](auto& self) {
      self.push_with_producer(producer(
          [&]() -> std::string {
            if (++asked == 2) throw on_purpose();
            return "one";
          },
          alive));
      self.push("behind");
    };
    if (in_hook) {
      room.one->on_found = produce;
      room.send("go\n");
    } else {
      room.other.on_found = [&](auto&) { produce(*room.one); };
      test::put(room.other_pair.far, "go\n");
    }
    expect(room.until([&] { return room.story.closes == 1; }));
    expect(room.story.errors == 1);
    expect(room.received(3) == "one");
    expect(room.ended());
    expect(!alive);
    expect(asked == 2);
    expect(room.undisturbed());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(output_goes_on_when_handle_error_keeps_the_channel, Place, matrix) {
  chat_room<Place> room;
  room.one->on_error = [](auto&) {};
  int asked = 0;
  auto produce = [&](auto& self) {
    self.push_with_producer(producer([&]() -> std::string {
      ++asked;
      if (asked <= 3) throw on_purpose();
      return asked == 4 ? "four" : "";
    }));
    self.push(" behind");
  };
  room.one->on_found = produce;
  room.send("go\n");
  expect(room.received(11) == "four behind");
  expect(room.story.errors == 3);
  expect(room.story.closes == 0);
  // Outside of a turn it reaches the caller.
  asked = 2;
  BOOST_CHECK_THROW(produce(*room.one), on_purpose);
  expect(room.story.errors == 3);
  room.one->push(" later");
  expect(room.received(10) == "four later");
  expect(room.undisturbed());
}

// A producer that never does anything else costs one error a turn, as in Python.
BOOST_AUTO_TEST_CASE_TEMPLATE(output_is_asked_for_once_a_turn_after_errors, Place, matrix) {
  chat_room<Place> room;
  room.one->on_error = [](auto&) {};
  int asked = 0;
  room.one->on_found = [&](auto& self) {
    self.push_with_producer(producer([&]() -> std::string {
      ++asked;
      throw on_purpose();
    }));
  };
  room.send("go\n");
  room.turn(5);
  asked = 0;
  room.turn(10);
  expect(asked > 0 && asked <= 10);
  expect(room.story.errors >= asked);
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_SUITE_END()

#endif

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// The bounds of what an async_chat keeps, of input and of output.
#include <boost/test/unit_test.hpp>

#include <string>

#include "room.hpp"
#include "scripted_producer.hpp"

namespace {

using asyncore::simple_producer;
using test::chat_room;
using test::expect;
using test::matrix;
using test::producer;

BOOST_FIXTURE_TEST_SUITE(async_chat_limits, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(input_is_limited_while_a_text_does_not_come, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(input_is_limited_anew_when_the_channel_is_kept, Place, matrix) {
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

// A member may be anything at run time: nothing at a time would be ready for ever.
BOOST_AUTO_TEST_CASE_TEMPLATE(sizes_of_nothing_are_one, Place, matrix) {
  chat_room<Place> room;
  room.one->ac_in_buffer_size = 0;
  room.one->ac_out_buffer_size = 0;
  room.send("ab\n");
  room.tells("ab|");
  room.one->push("answer");
  expect(room.received(6) == "answer");
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(input_is_not_limited_without_a_text, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(input_is_gone_when_the_limit_destroys, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(input_has_limits_of_its_class, Place, matrix) {
  small_loop<Place> loop;
  test::ends pair = test::socket_pair();
  small<Place> one(loop, asyncore::socket(std::move(pair.near)));
  one.set_terminator("\n");
  test::put(pair.far, std::string(24, 'x'));
  expect(test::turn_until(loop, [&] { return one.collected == 24; }));
  expect(one.limits == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(output_is_limited_when_the_peer_stops_reading, Place, matrix) {
  for (const bool behind_producer : {true, false}) {
    chat_room<Place> room;
    room.one->out_queue_limit = 100'000;
    bool alive = false;
    if (behind_producer)
      room.one->push_with_producer(producer([] { return std::string(300'000, 'p'); }, alive));
    std::size_t most = 0;
    int refused = 0;
    for (int i = 0; i < 100 && refused == 0; ++i) {
      const asyncore::io_result result = room.one->push(std::string(20'000, 'x'));
      expect(result.ok() || result.error() == std::errc::no_buffer_space);
      refused += !result.ok();
      most = std::max(most, room.one->queued());
      room.turn();
    }
    expect(refused == 1);
    expect(most <= 420'000);
    expect(room.story.out_queue_limits == 1);
    expect(room.story.closes == 1);
    BOOST_REQUIRE_EQUAL(room.story.log.size(), 1u);
    expect(room.story.log[0].starts_with("error: out-queue limit reached, closing channel <"));
    expect(!alive);
    expect(room.ended());
    expect(room.one->push("x").closed());
    expect(room.undisturbed());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(output_is_dropped_when_the_channel_is_kept, Place, matrix) {
  chat_room<Place> room;
  room.one->out_queue_limit = 100'000;
  room.one->on_out_queue_limit = [](auto&) {};
  const std::size_t full = room.fill();
  expect(room.one->push(std::string(100'001, 'x')).ok());
  for (int i = 1; i <= 3; ++i) {
    expect(room.one->push("lost").error() == std::errc::no_buffer_space);
    expect(room.story.out_queue_limits == i);
  }
  room.received(full + 100'001);
  expect(room.one->push("kept").ok());
  expect(room.received(4) == "kept");
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(output_is_limited_in_a_hook, Place, matrix) {
  chat_room<Place> room;
  room.one->out_queue_limit = 100'000;
  room.one->on_found = [](auto& self) {
    for (int i = 0; i < 100; ++i) self.push(std::string(20'000, 'x'));
  };
  room.send("go\ngo\n");
  expect(room.until([&] { return room.story.closes == 1; }));
  expect(room.story.text == "go|");
  expect(room.story.out_queue_limits == 1);
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(output_of_producers_is_limited, Place, matrix) {
  chat_room<Place> room;
  room.one->producer_limit = 10;
  room.one->on_out_queue_limit = [](auto&) {};
  room.fill();
  for (int i = 0; i < 13; ++i) room.one->push_with_producer(simple_producer("x"));
  expect(room.story.out_queue_limits >= 2 && room.story.out_queue_limits <= 3);
  room.one->on_out_queue_limit = nullptr;
  room.one->push_with_producer(simple_producer("x"));
  expect(room.story.closes == 1);
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(output_is_gone_when_the_limit_destroys, Place, matrix) {
  chat_room<Place> room;
  room.one->out_queue_limit = 100;
  room.one->on_out_queue_limit = [&](auto&) { room.one.reset(); };
  room.one->on_found = [](auto& self) {
    self.push(std::string(1'000'000, 'x'));
    self.push("beyond");
  };
  room.send("go\ngo\n");
  expect(room.until([&] { return !room.story.alive; }));
  expect(room.story.text == "go|");
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

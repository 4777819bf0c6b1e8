// SPDX-License-Identifier: BSL-1.0
// How an async_chat ends: when done, by discarding, by its peer.
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

BOOST_FIXTURE_TEST_SUITE(async_chat_closing, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(is_done_at_once_when_there_is_none, Place, matrix) {
  for (const bool in_hook : {true, false}) {
    chat_room<Place> room;
    if (in_hook) {
      room.one->on_found = [](auto& self) { self.close_when_done(); };
      room.send("bye\nmore\n");
    } else {
      room.one->close_when_done();
      expect(room.story.closes == 0);  // not from inside
    }
    expect(room.until([&] { return room.story.closes == 1; }));
    expect(room.ended());
    expect(room.undisturbed());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_sent_before_the_channel_closes, Place, matrix) {
  for (const bool in_hook : {true, false}) {
    chat_room<Place> room;
    auto finish = [](auto& self) {
      self.push(std::string(1'000'000, 'x'));
      self.push_with_producer(simple_producer("produced"));
      self.close_when_done();
      self.close_when_done();
      expect(self.push("dropped").closed());
      self.push_with_producer(simple_producer("dropped"));
    };
    if (in_hook) {
      room.one->on_found = finish;
      room.send("go\n");
    } else {
      finish(*room.one);
    }
    expect(room.received(1'000'008) == std::string(1'000'000, 'x') + "produced");
    expect(room.until([&] { return room.story.closes == 1; }));
    expect(room.ended());
    expect(room.undisturbed());
  }
}

// It may stay open: then it can be used as before.
BOOST_AUTO_TEST_CASE_TEMPLATE(can_go_on_when_handle_close_keeps_the_channel, Place, matrix) {
  chat_room<Place> room;
  room.one->on_close = [](auto&) {};
  room.one->push("one");
  room.one->close_when_done();
  expect(room.until([&] { return room.story.closes == 1; }));
  expect(room.one->push(" two").bytes() == 4);
  expect(room.received(7) == "one two");
  expect(!room.one->has_output());  // nothing to be woken for
}

// Discarding.

BOOST_AUTO_TEST_CASE_TEMPLATE(is_discarded, Place, matrix) {
  chat_room<Place> room;
  bool alive = false;
  const std::size_t full = room.fill();
  room.one->push(std::string(100'000, 'x'));
  room.turn(2);  // the socket takes nothing, and the channel knows
  room.one->push_with_producer(producer([] { return std::string("lost"); }, alive));
  room.one->close_when_done();
  room.one->discard_buffers();
  expect(!alive);
  expect(room.one->queued() == 0);
  room.turn(2);  // nothing is waited for
  room.one->push("kept");
  expect(room.received(full + 4).substr(full) == "kept");
  room.turn(3);
  expect(room.story.closes == 0);
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_discarded_in_the_hook_that_pushed_it, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [](auto& self) {
    self.push("lost");
    self.discard_buffers();
    self.push("kept");
  };
  room.send("go\n");
  expect(room.received(4) == "kept");
}

// A peer that reads nothing more is told apart from one that reads slowly.
template <class Place>
struct paused;
template <class Place>
using paused_loop = typename Place::template loop<paused<Place>>;
template <class Place>
struct paused : asyncore::async_chat<paused<Place>, paused_loop<Place>> {
  using paused::async_chat::async_chat;
  bool readable() const { return reads; }
  void collect_incoming_data(std::span<const std::byte> data) { text += asyncore::as_text(data); }
  void found_terminator() {}
  void handle_close() {
    ++closes;
    this->close();
  }
  bool reads = false;
  std::string text;
  int closes = 0;
};

// The end is reported behind what the peer had sent, which is not read yet: until then nothing is
// asked for, and nothing turns for nothing.
BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_channel_that_does_not_read_ends_with_its_peer, Place, matrix) {
  paused_loop<Place> loop;
  test::ends pair = test::socket_pair();
  paused<Place> one(loop, asyncore::socket(std::move(pair.near)));
  test::put(pair.far, "unread");
  int asked = 0;
  bool alive = false;
  one.push_with_producer(producer([&] { return ++asked, std::string(100'000, 'x'); }, alive));
  test::turn(loop, 5);
  pair.far.reset();
  test::turn(loop, 5);
  asked = 0;
  test::turn(loop, 20);
  expect(asked == 0);
  expect(one.closes == 0);
  expect(one.push("x").closed());
  one.push_with_producer(producer([&] { return ++asked, std::string("x"); }));
  test::turn(loop, 5);
  expect(asked == 0);
  one.reads = true;
  expect(test::turn_until(loop, [&] { return one.closes == 1; }));
  expect(one.text == "unread");
  expect(!alive);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

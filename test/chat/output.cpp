// SPDX-License-Identifier: BSL-1.0
// What an async_chat sends.
#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "room.hpp"
#include "scripted_producer.hpp"

namespace {

using asyncore::simple_producer;
using test::chat_room;
using test::expect;
using test::matrix;
using test::producer;

#if !defined(TEST_SIMULATED)
// A pair that keeps the boundaries of what was sent at once.
test::ends message_pair() {
  int fds[2] = {-1, -1};
  BOOST_REQUIRE_EQUAL(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
                      0);
  return {test::unique_fd(fds[0]), test::unique_fd(fds[1])};
}
#endif

BOOST_FIXTURE_TEST_SUITE(async_chat_output, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(leaves_in_its_order, Place, matrix) {
  for (const bool in_hook : {true, false}) {
    chat_room<Place> room;
    auto push_all = [](auto& self) {
      expect(self.push("a").bytes() == 1);
      self.push_with_producer(simple_producer("bcdefg", 2));
      self.push(std::string("h"));
      self.push_with_producer(std::make_unique<simple_producer>("ij"));
      self.send("k");
      self.push_with_producer("l");  // bytes are pushed, as in Python
      self.push(std::array<std::byte, 1>{std::byte('m')});
    };
    if (in_hook) {
      room.one->on_found = push_all;
      room.send("go\n");
    } else {
      push_all(*room.one);
    }
    expect(room.received(13) == "abcdefghijklm");
    expect(room.one->queued() == 0);
    expect(room.undisturbed());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(may_be_more_than_the_socket_takes, Place, matrix) {
  chat_room<Place> room;
  std::string all(1'000'000, 'x');
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i * 7 / 1'000);
  room.one->push(all);
  expect(room.one->queued() > 0);
  room.one->push_with_producer(simple_producer(all, 100'000));
  room.one->push("behind");
  expect(room.received(2'000'006) == all + all + "behind");
  expect(room.undisturbed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(answers_each_line, Place, matrix) {
  chat_room<Place> room;
  room.one->on_found = [](auto& self) { self.push(self.story.text + "\n"); };
  room.send("a\nb\nc\n");
  expect(room.received(15) == "a|\na|b|\na|b|c|\n");
}

template <class Chat, class T>
concept can_push = requires(Chat& c, T t) { c.push(t); };
using any_chatter = test::chatter<test::place<asyncore::poll_poller, test::dense, false>>;
static_assert(can_push<any_chatter, std::vector<unsigned char>>);
static_assert(!can_push<any_chatter, int>);
static_assert(!can_push<any_chatter, std::vector<int>>);

// Producers.

BOOST_AUTO_TEST_CASE_TEMPLATE(comes_from_producers_that_end, Place, matrix) {
  chat_room<Place> room;
  bool alive = false;
  int asked = 0;
  room.one->push_with_producer(
      producer([&] { return ++asked <= 3 ? std::string("x") : std::string(); }, alive));
  room.one->push_with_producer(producer([] { return std::string(); }));
  room.one->push("behind");
  expect(room.received(9) == "xxxbehind");
  expect(!alive);
  expect(asked == 4);
}

// It is asked when what it gave is sent: here by and by, as the peer reads.
BOOST_AUTO_TEST_CASE_TEMPLATE(asks_a_producer_when_the_socket_takes_more, Place, matrix) {
  chat_room<Place> room;
  const std::size_t full = room.fill();
  int asked = 0;
  room.one->push_with_producer(
      producer([&] { return ++asked < 100 ? std::string(100'000, 'x') : std::string(); }));
  room.turn(10);
  expect(asked <= 1);
  expect(room.received(full + 9'900'000).size() == full + 9'900'000);
  expect(asked == 100);
}

// Every turn asks it a bounded number of times, whether it gives much or little.
BOOST_AUTO_TEST_CASE_TEMPLATE(of_an_endless_producer_leaves_time_for_others, Place, matrix) {
  for (const std::size_t size : {1u, 10'000u}) {
    chat_room<Place> room;
    int asked = 0;
    room.one->push_with_producer(producer([&] { return ++asked, std::string(size, 'x'); }));
    for (int i = 0; i < 10; ++i) {
      asked = 0;
      test::take(room.pair.far);
      room.turn();
      expect(asked > 0 && asked <= 200);
    }
    test::put(room.other_pair.far, "ping\n");
    test::take(room.pair.far);
    room.turn(2);
    expect(room.other_story.text == "ping|");
    expect(room.undisturbed());
  }
}

// What a producer does to its channel.

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_when_a_producer_closes, Place, matrix) {
  enum class how { close, discard, destroy };
  for (const how what : {how::close, how::discard, how::destroy})
    for (const bool in_hook : {true, false}) {
      chat_room<Place> room;
      bool alive = false;
      auto produce = [&](auto& self) {
        self.push("first ");
        self.push_with_producer(producer(
            [&]() -> std::string {
              if (what == how::close) room.one->close();
              if (what == how::discard) room.one->discard_buffers();
              if (what == how::destroy) room.one.reset();
              expect(alive);
              return "lost";
            },
            alive));
        if (in_hook) room.one->push("lost too");  // else the producer has been asked already
      };
      if (in_hook) {
        room.one->on_found = produce;
        room.send("go\n");
      } else {
        produce(*room.one);
      }
      expect(room.received(6) == "first ");
      expect(!alive);
      if (what == how::discard) {
        room.one->push("kept");
        expect(room.received(4) == "kept");
      } else {
        expect(room.ended());
      }
      expect(room.undisturbed());
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(may_be_pushed_by_a_producer, Place, matrix) {
  chat_room<Place> room;
  int asked = 0;
  room.one->push_with_producer(producer([&]() -> std::string {
    if (++asked == 3) return "";
    room.one->push("pushed");
    room.one->push_with_producer(simple_producer("produced"));
    room.one->initiate_send();
    return "given ";
  }));
  expect(room.received(40) == "given given pushedproducedpushedproduced");
  expect(room.one->queued() == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_peer_that_resets_in_the_middle, Place, matrix) {
  chat_room<Place> room(test::tcp_pair());
  bool alive = false;
  room.one->push_with_producer(producer([] { return std::string(100'000, 'x'); }, alive));
  room.one->push("behind");
  room.turn(5);
  expect(!test::take(room.pair.far).empty());
  expect(alive);
  test::reset(room.pair.far);
  expect(room.until([&] { return room.story.closes == 1; }));
  expect(!alive);
  expect(room.one->native_handle() < 0);
  expect(room.story.errors == 0);
  expect(room.one->push("more").closed());
  expect(room.undisturbed());
}


#if !defined(TEST_SIMULATED)
// One message is what one call sends.
BOOST_AUTO_TEST_CASE_TEMPLATE(leaves_in_the_size_of_the_buffer, Place, matrix) {
  for (const bool in_hook : {true, false}) {
    chat_room<Place> room(message_pair());
    room.one->ac_out_buffer_size = 1'000;
    const std::string all(10'500, 'x');
    if (in_hook) {
      room.send("the first has no buffer\n");
      expect(room.until([&] { return !room.story.text.empty(); }));
      room.one->on_found = [&](auto& self) { self.push(all); };
      room.send("go\n");
    } else {
      room.one->push(all);
    }
    std::string got;
    std::size_t most = 0;
    room.until([&] {
      char message[20'000];
      for (ssize_t n; (n = ::read(room.pair.far.get(), message, sizeof message)) > 0;) {
        most = std::max(most, static_cast<std::size_t>(n));
        got.append(message, static_cast<std::size_t>(n));
      }
      return got.size() >= all.size();
    });
    expect(got == all);
    expect(most == 1'000);
  }
}

BOOST_AUTO_TEST_CASE(goes_nowhere_without_a_socket) {
  chat_room<test::place<asyncore::poll_poller, test::dense, false>> room;
  room.one->close();
  expect(room.one->push("x").closed());
  bool alive = false;
  room.one->push_with_producer(producer([] { return std::string("x"); }, alive));
  expect(!alive);
  room.one->close_when_done();
  room.one->discard_buffers();
  room.turn(3);
  expect(room.story.closes == 0);
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_loop_that_ends_is_dropped, Place, matrix) {
  bool alive = false;
  {
    test::chat_story story;  // outlives the loop, which destroys the channel
    chat_room<Place> room;
    test::ends pair = test::socket_pair();
    auto& owned = room.loop.template emplace<test::chatter<Place>>(std::move(pair.near), story);
    test::fill_of(owned);
    owned.push_with_producer(producer([] { return std::string("x"); }, alive));
    owned.push("behind");
  }
  expect(!alive);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

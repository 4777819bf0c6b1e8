// SPDX-License-Identifier: BSL-1.0
// What an async_chat sends.
#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "chat/room.hpp"

namespace {

using asyncore::simple_producer;
using test::chat_room;
using test::expect;
using test::matrix;

// Gives what a function says; `alive` tells whether it is still there.
struct producer {
  explicit producer(std::function<std::string()> gives) : next(std::move(gives)) {}
  producer(std::function<std::string()> gives, bool& is_alive)
      : next(std::move(gives)), alive(&is_alive) {
    *alive = true;
  }
  producer(producer&& other) noexcept
      : next(std::move(other.next)), alive(std::exchange(other.alive, nullptr)) {}
  producer& operator=(producer&&) = delete;
  ~producer() {
    if (alive != nullptr) *alive = false;
  }
  std::string more() { return next(); }

  std::function<std::string()> next;
  bool* alive = nullptr;
};

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

#if ASYNCORE_HAS_EXCEPTIONS

struct on_purpose : std::exception {};

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_when_a_producer_throws, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(goes_on_when_handle_error_keeps_the_channel, Place, matrix) {
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
BOOST_AUTO_TEST_CASE_TEMPLATE(is_asked_for_once_a_turn_after_errors, Place, matrix) {
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

#endif

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

// Closing when done.

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
      expect(self.push("dropped").bytes() == 7);
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

// Limits.

BOOST_AUTO_TEST_CASE_TEMPLATE(is_limited_when_the_peer_stops_reading, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(is_dropped_when_the_hook_of_the_limit_keeps_the_channel, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(is_limited_in_a_hook, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(of_producers_is_limited, Place, matrix) {
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

BOOST_AUTO_TEST_CASE_TEMPLATE(is_gone_when_the_limit_destroys, Place, matrix) {
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

#if !defined(TEST_SIMULATED)
// One message is what one call sends.
BOOST_AUTO_TEST_CASE_TEMPLATE(leaves_in_the_size_of_the_buffer, Place, matrix) {
  for (const bool in_hook : {true, false}) {
    chat_room<Place> room(message_pair());
    room.one->ac_out_buffer_size = 1'000;
    const std::string all(10'500, 'x');
    if (in_hook) {
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

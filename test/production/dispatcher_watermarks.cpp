// SPDX-License-Identifier: BSL-1.0
// Backpressure: the watermarks of the out-queue, and reading that pauses.
#include <asyncore.hpp>
#include <asyncore/async_chat.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>

namespace {

template <class Place>
struct stream;
template <class Place>
struct talker;
template <class Place>
using loop_of = typename Place::template loop<stream<Place>, talker<Place>>;

template <class Place>
struct stream : asyncore::dispatcher_with_send<stream<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<stream<Place>, loop_of<Place>>;
  static constexpr std::size_t high_watermark = 100'000;
  static constexpr std::size_t low_watermark = 10'000;
  stream(loop_of<Place>& loop, asyncore::unique_fd fd, std::string& notes)
      : base(loop, asyncore::socket(std::move(fd))), said(notes) {}
  stream(loop_of<Place>& loop, std::string& notes) : base(loop), said(notes) {}
  void handle_connect() { said += "connect "; }
  void handle_data(std::span<const std::byte> data) {
    received += asyncore::as_text(data);
    if (on_data) on_data();
  }
  void handle_high_water() {
    said += "high ";
    above = this->queued();
    if (on_high) on_high();
  }
  void handle_low_water() {
    said += "low ";
    below = this->queued();
    if (on_low) on_low();
  }
  void handle_close() {
    said += "close ";
    this->close();
  }
  std::string& said;
  std::string received;
  std::size_t above = 0, below = 0;
  std::function<void()> on_data, on_high, on_low;
};

template <class Place>
struct talker : asyncore::async_chat<talker<Place>, loop_of<Place>> {
  static constexpr std::size_t high_watermark = 1'000'000;
  talker(loop_of<Place>& loop, asyncore::unique_fd fd, int& count)
      : talker::async_chat(loop, asyncore::socket(std::move(fd))), highs(count) {}
  void collect_incoming_data(std::span<const std::byte>) {}
  void found_terminator() {}
  void handle_high_water() { ++highs; }
  int& highs;
};

template <class Place>
struct scene {
  scene() { test::limit_buffers(pair); }
  std::string said;
  test::ends pair = test::tcp_pair();
  loop_of<Place> loop;
  int far_fd = pair.far.get();
  stream<Place>& channel = loop.template emplace<stream<Place>>(
      test::copy_of(pair.near.get()), said);

  /// Reads at the far end until the queue is empty; returns how much came.
  std::size_t drain() {
    std::size_t got = 0;
    test::turn_until(loop, [&] {
      got += test::take(pair.far).size();
      return channel.queued() == 0;
    });
    return got;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(backpressure, test::world)

// A server that cannot be reached is not told of by the kernel for minutes.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_waits_for_the_connection_counts, Place, test::matrix) {
  const test::unique_fd listener = test::tcp_listener();
  loop_of<Place> loop;
  std::string said;
  stream<Place> channel(loop, said);
  channel.create_socket();
  channel.connect(test::name_of(listener.get()));
  channel.send(std::string(100'000, 'x'));
  channel.on_high = [&] { BOOST_TEST(channel.connecting()); };
  BOOST_TEST(said == "");
  channel.send("x");
  const test::unique_fd far = test::accepted(listener);
  std::size_t got = 0;
  BOOST_TEST(test::turn_until(loop, [&] {
    got += test::take(far).size();
    return got == 100'001;
  }));
  BOOST_TEST(said == "high connect low ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(out_of_its_loop_a_channel_sends_nothing, Place, test::matrix) {
  test::ends pair = test::tcp_pair();
  test::limit_buffers(pair);
  loop_of<Place> loop;
  std::string said;
  stream<Place> channel(loop, std::move(pair.near), said);
  channel.send(std::string(1'000'000, 'x'));
  test::turn(loop);
  BOOST_TEST(said == "high ");
  channel.del_channel();
  const std::size_t waits = channel.queued();
  std::size_t got = test::take(pair.far).size();
  channel.initiate_send();
  channel.send("x");
  BOOST_TEST(channel.queued() == waits + 1);
  channel.add_channel();
  BOOST_TEST(test::turn_until(loop, [&] {
    got += test::take(pair.far).size();
    return got == 1'000'001;
  }));
  BOOST_TEST(said == "high low ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_waits_behind_a_producer_counts, Place, test::matrix) {
  test::ends pair = test::tcp_pair();
  test::limit_buffers(pair);
  loop_of<Place> loop;
  int highs = 0;
  talker<Place> channel(loop, std::move(pair.near), highs);
  channel.push(std::string(900'000, 'x'));
  channel.push_with_producer(asyncore::simple_producer(std::string(900'000, 'y')));
  test::turn(loop);
  BOOST_TEST(highs == 0);
  for (int i = 0; i < 20; ++i) channel.push(std::string(50'000, 'z'));
  test::turn(loop);
  BOOST_TEST(highs == 1);
}

// The socket takes more, but each turn asks the producer only so often.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_waits_behind_a_slow_producer_counts, Place, test::matrix) {
  test::ends pair = test::tcp_pair();
  loop_of<Place> loop;
  int highs = 0;
  talker<Place> channel(loop, std::move(pair.near), highs);
  channel.push_with_producer(asyncore::simple_producer(std::string(1000, 'y'), 1));
  channel.push(std::string(1'000'001, 'z'));
  test::turn(loop);
  BOOST_TEST(highs == 1);
}

// Found by simulation: it would be paused for ever, and never hear of the end.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_cannot_be_sent_any_more_waits_no_more, Place, test::matrix) {
  test::ends pair = test::socket_pair();
  loop_of<Place> loop;
  std::string said;
  stream<Place> channel(loop, std::move(pair.near), said);
  channel.on_high = [&] { channel.pause_reading(); };
  channel.on_low = [&] { channel.resume_reading(); };
  channel.send(std::string(4'000'000, 'x'));
  test::turn(loop);
  BOOST_TEST(said == "high ");
  test::put(pair.far, "the tail");
  pair.far.reset();
  BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
  BOOST_TEST(said == "high low close ");
  BOOST_TEST(channel.received == "the tail");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_mark_is_told_once, Place, test::matrix) {
  scene<Place> s;
  const std::string piece(50'000, 'x');
  std::size_t sent = 0;
  for (int round = 0; round < 2; ++round) {
    s.said.clear();
    for (int i = 0; i < 60; ++i) {
      sent += s.channel.send(piece).bytes();
      test::turn(s.loop);
    }
    BOOST_TEST(s.said == "high ");
    BOOST_TEST(s.channel.above > 100'000u);
    BOOST_TEST(s.channel.above <= 100'000u + 2 * piece.size());
    s.drain();
    BOOST_TEST(s.said == "high low ");
    BOOST_TEST(s.channel.below <= 10'000u);
  }
}

// What the socket takes is not worth a word.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_socket_that_takes_all_has_no_marks, Place, test::matrix) {
  scene<Place> s;
  const std::string piece(20'000, 'x');
  for (int i = 0; i < 30; ++i) {
    s.channel.send(piece);
    s.drain();
    test::take(s.pair.far);
  }
  BOOST_TEST(s.said == "");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_hooks_may_end_the_channel, Place, test::matrix) {
  for (const bool at_high : {true, false}) {
    scene<Place> s;
    (at_high ? s.channel.on_high : s.channel.on_low) = [&] { s.channel.close(); };
    const std::string much(4'000'000, 'x');
    s.channel.send(much);
    test::turn_until(s.loop, [&] {
      test::take(s.pair.far);
      return s.loop.empty();
    });
    BOOST_TEST(s.loop.empty());
    BOOST_TEST(s.said == (at_high ? "high " : "high low "));
  }
}

// Sent from the hook itself, it is told again.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_low_hook_may_send_more, Place, test::matrix) {
  scene<Place> s;
  const std::string much(1'000'000, 'x');
  int left = 3;
  s.channel.on_low = [&] {
    if (left-- > 0) s.channel.send(much);
  };
  s.channel.send(much);
  std::size_t got = 0;
  BOOST_TEST(test::turn_until(s.loop, [&] {
    got += test::take(s.pair.far).size();
    return got == 4 * much.size();
  }));
  BOOST_TEST(s.said == "high low high low high low high low ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_paused_channel_does_not_read, Place, test::matrix) {
  scene<Place> s;
  test::put(s.pair.far, "one");
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.channel.received == "one"; }));
  s.channel.pause_reading();
  BOOST_TEST(s.channel.reading_paused());
  test::put(s.pair.far, "two");
  test::turn(s.loop, 5);
  BOOST_TEST(s.channel.received == "one");
  s.channel.resume_reading();
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.channel.received == "onetwo"; }));
  // In its own hook, and of what this turn has found ready.
  s.channel.on_data = [&] { s.channel.pause_reading(); };
  test::put(s.pair.far, "three");
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.channel.received == "onetwothree"; }));
  test::put(s.pair.far, "four");
  test::turn(s.loop, 5);
  BOOST_TEST(s.channel.received == "onetwothree");
  s.channel.resume_reading();
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.channel.received == "onetwothreefour"; }));
}

// Another hook of the same turn pauses it; and the end waits behind the bytes.
BOOST_AUTO_TEST_CASE_TEMPLATE(pausing_is_at_once_and_loses_nothing, Place, test::matrix) {
  scene<Place> s;
  std::string said;
  test::ends pair = test::socket_pair();
  auto& other = s.loop.template emplace<stream<Place>>(std::move(pair.near), said);
  s.channel.on_data = [&] { other.pause_reading(); };
  other.on_data = [&] { s.channel.pause_reading(); };
  test::put(s.pair.far, "x");
  test::put(pair.far, "x");
  test::turn(s.loop, 5);
  BOOST_TEST(s.channel.received.size() + other.received.size() == 1u);
  auto& paused = s.channel.reading_paused() ? s.channel : other;
  BOOST_TEST_REQUIRE(paused.received == "");
  pair.far.reset();
  s.pair.far.reset();
  test::turn(s.loop, 5);  // the other one ends
  BOOST_TEST(s.loop.size() == 1u);
  std::string got;
  paused.on_data = [&] { got = paused.received; };
  paused.resume_reading();
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.loop.empty(); }));
  BOOST_TEST(got == "x");
  BOOST_TEST((s.said == "close " && said == "close "));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_paused_channel_causes_no_wake_ups, Place, test::matrix) {
  scene<Place> s;
  s.channel.pause_reading();
  test::put(s.pair.far, "x");
  test::turn(s.loop);
  const auto start = test::sys().now();
  s.loop.poll(std::chrono::milliseconds(5));
  BOOST_CHECK(test::sys().now() - start >= std::chrono::milliseconds(5));
}

BOOST_AUTO_TEST_SUITE_END()

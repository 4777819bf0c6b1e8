// SPDX-License-Identifier: BSL-1.0
// close_when_done and abort of an out-queue, in virtual time.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"
#include "../support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <tuple>

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;

template <class Place>
struct stream;
template <class Place>
using loop_of = typename test::timeless<Place>::template loop<stream<Place>>;

template <class Place>
struct stream : asyncore::dispatcher_with_send<stream<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<stream<Place>, loop_of<Place>>;
  stream(loop_of<Place>& loop, asyncore::unique_fd fd, std::string& notes)
      : base(loop, asyncore::socket(std::move(fd))), said(notes) {}
  void handle_data(std::span<const std::byte> data) {
    said += asyncore::as_text(data);
    if (said == "ask") {
      this->send("reply");
      this->close_when_done();
      BOOST_TEST(this->send("more").closed());
    }
  }
  void handle_close() {
    said += " close";
    this->close();
  }
  std::string& said;
};

/// Leaves at the end of the stream, and when it has left again.
template <class Place>
struct leaver;
template <class Place>
using leaver_loop = typename test::timeless<Place>::template loop<leaver<Place>>;
template <class Place>
struct leaver : asyncore::dispatcher_with_send<leaver<Place>, leaver_loop<Place>> {
  explicit leaver(leaver_loop<Place>& loop) : leaver::dispatcher_with_send(loop) {}
  leaver(leaver_loop<Place>& loop, asyncore::unique_fd fd)
      : leaver::dispatcher_with_send(loop, asyncore::socket(std::move(fd))) {}
  void handle_data(std::span<const std::byte>) {}
  void handle_close() {
    this->send("bye");
    this->close_when_done();
  }
};

/// A line ends it.
template <class Place>
struct talker;
template <class Place>
using talker_loop = typename test::timeless<Place>::template loop<talker<Place>>;
template <class Place>
struct talker : asyncore::async_chat<talker<Place>, talker_loop<Place>> {
  talker(talker_loop<Place>& loop, asyncore::unique_fd fd, std::string& notes)
      : talker::async_chat(loop, asyncore::socket(std::move(fd))), said(notes) {
    this->set_terminator("\n");
  }
  static constexpr std::chrono::nanoseconds linger_time = 5s;
  void collect_incoming_data(std::span<const std::byte> data) { said += asyncore::as_text(data); }
  void found_terminator() {
    said += "; ";
    this->push("queued ");
    this->push_with_producer(asyncore::simple_producer("produced"));
    this->close_when_done();
    BOOST_TEST(!this->push("more").error());
  }
  void handle_close() {
    said += "close";
    this->close();
  }
  std::string& said;
};

template <class Place>
struct scene {
  scene() { clock::reset(); }
  static test::ends limited() {
    test::ends both = test::tcp_pair();
    test::limit_buffers(both);
    return both;
  }
  /// Turns in which no time passes, until `done()`; many, because the kernel takes its own.
  template <class Done>
  bool turn_until(Done done) {
    for (int left = 100'000; left > 0 && !done(); --left) loop.poll(0ns);
    return done();
  }
  std::string said;
  test::ends pair = limited();
  loop_of<Place> loop;
  stream<Place>& channel = loop.template emplace<stream<Place>>(std::move(pair.near), said);
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(leaving, test::world)

// Close with unread bytes, and the kernel sends a reset, which destroys what the peer has not read.
BOOST_AUTO_TEST_CASE_TEMPLATE(no_reply_is_cut_off, Place, test::one_a_poller) {
  scene<Place> s;
  test::put(s.pair.far, "ask");
  BOOST_TEST(s.turn_until([&] { return s.said == "ask"; }));
  test::put(s.pair.far, std::string(10'000, 'x'));
  test::turn(s.loop, 3);
  test::put(s.pair.far, std::string(10'000, 'x'));
  test::turn(s.loop, 3);
  std::string reply;
  BOOST_TEST(s.turn_until([&] { return (reply += test::take(s.pair.far)) == "reply"; }));
  BOOST_TEST(test::read_piece(s.pair.far).result == 0);  // its end, and no reset
  BOOST_TEST(s.said == "ask");  // the rest is nobody's
  s.pair.far.reset();
  BOOST_TEST(s.turn_until([&] { return s.loop.empty(); }));
  BOOST_TEST(s.said == "ask close");
  BOOST_CHECK(clock::passed() == 0ns);
  s.loop.run();  // which does not wait for the timer of a channel that is gone
  BOOST_CHECK(clock::passed() == 0ns);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_peer_that_does_not_end_is_closed, Place, test::one_a_poller) {
  scene<Place> s;
  s.channel.send("reply");
  s.channel.close_when_done();
  s.loop.run();
  BOOST_CHECK(clock::passed() >= 5s && clock::passed() <= 10s);
  BOOST_TEST(test::take(s.pair.far) == "reply");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_call_has_a_linger_time_of_its_own, Place, test::one_a_poller) {
  scene<Place> s;
  s.channel.send("reply");
  s.channel.close_when_done(200ms);
  s.channel.close_when_done();  // it leaves already
  s.loop.run();
  BOOST_CHECK(clock::passed() >= 200ms && clock::passed() <= 401ms);
  BOOST_TEST(test::take(s.pair.far) == "reply");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_was_sent_has_all_the_time, Place, test::one_a_poller) {
  scene<Place> s;
  const std::string much(3'000'000, 'x');
  s.channel.send(much);
  s.channel.close_when_done();
  s.loop.run({.timeout = 1h, .count = 50});
  BOOST_CHECK(clock::passed() > 20s);
  BOOST_TEST(s.loop.size() == 1u);
  std::size_t got = 0;
  BOOST_TEST(s.turn_until([&] { return (got += test::take(s.pair.far).size()) == much.size(); }));
  s.pair.far.reset();
  BOOST_TEST(s.turn_until([&] { return s.loop.empty(); }));
  BOOST_TEST(s.said == " close");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_peer_that_is_gone_ends_it, Place, test::one_a_poller) {
  scene<Place> s;
  s.channel.send("reply");
  s.channel.close_when_done();
  test::reset(s.pair.far);
  BOOST_TEST(s.turn_until([&] { return s.loop.empty(); }));
  BOOST_TEST(s.said == " close");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(leaving_in_handle_close_closes, Place, test::one_a_poller) {
  for (const bool sockets_of_tcp : {true, false}) {
    for (const bool gone : {true, false}) {
      clock::reset();
      test::ends pair = sockets_of_tcp ? test::tcp_pair() : test::socket_pair();
      leaver_loop<Place> loop;
      loop.template emplace<leaver<Place>>(std::move(pair.near));
      if (gone)
        pair.far.reset();
      else
        test::shut(pair.far.get(), SHUT_WR);
      for (int left = 100'000; left > 0 && !loop.empty(); --left) loop.poll(0ns);
      BOOST_TEST(loop.empty());
      if (!gone) BOOST_TEST(test::take(pair.far) == "bye");
    }
    // It leaves first, and its handle_close leaves again.
    test::ends pair = sockets_of_tcp ? test::tcp_pair() : test::socket_pair();
    leaver_loop<Place> loop;
    loop.template emplace<leaver<Place>>(std::move(pair.near)).close_when_done();
    loop.poll(0ns);
    pair.far.reset();
    for (int left = 100'000; left > 0 && !loop.empty(); --left) loop.poll(0ns);
    BOOST_TEST(loop.empty());
  }
}

// Nobody to send to, and no event that could ever come.
BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_is_not_connected_closes, Place, test::one_a_poller) {
  clock::reset();
  leaver_loop<Place> loop;
  auto& channel = loop.template emplace<leaver<Place>>();
  channel.create_socket();
  channel.close_when_done();
  test::turn(loop, 3);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_chat_that_lingers, Place, test::one_a_poller) {
  clock::reset();
  std::string said, reply;
  test::ends pair = test::tcp_pair();
  talker_loop<Place> loop;
  loop.template emplace<talker<Place>>(std::move(pair.near), said);
  test::put(pair.far, "quit\n");
  for (int left = 100'000; left > 0 && reply != "queued produced"; --left) {
    loop.poll(0ns);
    reply += test::take(pair.far);
  }
  BOOST_TEST(reply == "queued produced");
  test::put(pair.far, std::string(10'000, 'x') + "\n");
  test::turn(loop, 3);
  BOOST_TEST(test::read_piece(pair.far).result == 0);  // its end, and no reset
  BOOST_TEST(said == "quit; ");
  pair.far.reset();
  for (int left = 100'000; left > 0 && !loop.empty(); --left) loop.poll(0ns);
  BOOST_TEST(said == "quit; close");
}

// Whatever the class says.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_chat_has_a_linger_time_for_a_call, Place, test::one_a_poller) {
  for (const auto linger : {0ms, 200ms}) {
    clock::reset();
    std::string said, reply;
    test::ends pair = test::tcp_pair();
    talker_loop<Place> loop;
    auto& chat = loop.template emplace<talker<Place>>(std::move(pair.near), said);
    chat.push("reply");
    chat.close_when_done(linger);
    chat.close_when_done();  // it leaves already
    loop.run();
    BOOST_CHECK(clock::passed() >= linger && clock::passed() <= 2 * linger + 1ms);
    BOOST_TEST(test::take(pair.far) == "reply");
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(abort_drops_and_resets, Place, test::one_a_poller) {
  scene<Place> s;
  s.channel.send(std::string(3'000'000, 'x'));
  s.channel.abort();
  BOOST_TEST(s.loop.empty());
  BOOST_TEST(test::wait_for(s.pair.far.get(), POLLIN));
  test::piece_read last;
  while ((last = test::read_piece(s.pair.far)).result > 0) continue;
  BOOST_TEST(last.result == -ECONNRESET);
  BOOST_TEST(s.said == "");
}

BOOST_AUTO_TEST_SUITE_END()

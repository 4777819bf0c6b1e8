// SPDX-License-Identifier: BSL-1.0
// Bytes over a dispatcher: both ways to receive, the two directions, their ends, urgent data.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <vector>

namespace {

using asyncore::io_result;
using test::outcome;

template <class Place>
struct reader;
template <class Place>
struct listener;
template <class Place>
struct talker;
template <class Place>
struct urgent;
template <class Place>
struct acceptor;
template <class Place>
using loop_of = typename Place::template loop<reader<Place>, listener<Place>, talker<Place>,
                                              urgent<Place>, acceptor<Place>>;
template <class Derived, class Place>
using base_of = asyncore::dispatcher<Derived, loop_of<Place>>;

/// What all of them do: remember.
template <class Derived, class Place>
struct stream : base_of<Derived, Place> {
  stream(loop_of<Place>& loop, test::unique_fd fd, outcome& result)
      : base_of<Derived, Place>(loop, asyncore::socket(std::move(fd))), got(result) {}
  void handle_close() {
    ++got.closes;
    if (on_close) on_close(this->derived());
    else this->close();
  }
  void handle_error() {
    got.catch_current();
    base_of<Derived, Place>::handle_error();
  }
  void log(std::string_view message) { got.logged += std::string(message) + "\n"; }
  outcome& got;
  std::function<void(Derived&)> on_close;
};

/// Receives by handle_read and recv.
template <class Place>
struct reader : stream<reader<Place>, Place> {
  using stream<reader<Place>, Place>::stream;
  void handle_read() {
    std::byte buffer[4];
    results.push_back(this->recv(buffer));
    this->got.received += asyncore::as_text({buffer, results.back().bytes()});
  }
  std::vector<io_result> results;
};

/// Receives by handle_data.
template <class Place>
struct listener : stream<listener<Place>, Place> {
  using stream<listener<Place>, Place>::stream;
  void handle_data(std::span<const std::byte> data) {
    this->got.received += asyncore::as_text(data);
    ++calls;
  }
  int calls = 0;
};

/// Writes when it may, and does not read.
template <class Place>
struct talker : stream<talker<Place>, Place> {
  using stream<talker<Place>, Place>::stream;
  bool writable() const { return !text.empty(); }
  void handle_write() {
    ++writes;
    results.push_back(this->send(text));
    if (results.back().ok()) text.erase(0, results.back().bytes());
  }
  std::string text;
  int writes = 0;
  std::vector<io_result> results;
};

/// Reads, and is told of urgent data.
template <class Place>
struct urgent : stream<urgent<Place>, Place> {
  using stream<urgent<Place>, Place>::stream;
  void handle_data(std::span<const std::byte> data) {
    this->got.received += asyncore::as_text(data);
  }
  void handle_expt() {
    std::byte byte[1];
    if (test::sys().recv(this->native_handle(), byte, MSG_OOB) == 1)
      urgent_bytes += asyncore::as_text(byte);
  }
  std::string urgent_bytes;
};

/// Accepts by handle_accept, as in Python.
template <class Place>
struct acceptor : base_of<acceptor<Place>, Place> {
  explicit acceptor(loop_of<Place>& loop) : base_of<acceptor<Place>, Place>(loop) {
    this->create_socket();
    this->bind(asyncore::endpoint::parse("127.0.0.1:0"));
    this->listen();
  }
  void handle_accept() {
    ++calls;
    if (auto peer = this->accept()) peers.push_back(std::move(peer->first));
  }
  int calls = 0;
  std::vector<asyncore::socket> peers;
};

BOOST_FIXTURE_TEST_SUITE(dispatcher_streams, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(recv_tells_bytes_would_block_and_closed_apart, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  reader<Place> channel(loop, std::move(pair.near), got);
  channel.on_close = [](auto&) {};
  std::byte byte;
  const io_result nothing = channel.recv({&byte, 1});
  BOOST_TEST(!nothing.ok());
  BOOST_TEST(nothing.would_block());
  BOOST_TEST(nothing.bytes() == 0u);
  BOOST_TEST(!nothing.closed());
  BOOST_TEST(!nothing.error());

  test::put(pair.far, "abcdef");
  BOOST_TEST(channel.recv({}).ok());  // no room is no end
  test::turn(loop, 3);
  BOOST_TEST(got.received == "abcdef");
  BOOST_TEST(channel.results.size() == 2u);  // four, then two, then nothing to read

  pair.far.reset();
  const io_result end = channel.recv({&byte, 1});
  BOOST_TEST(end.closed());
  BOOST_TEST(!end.ok());
  BOOST_TEST(!end.would_block());
  BOOST_TEST(!end.error());
  BOOST_TEST(got.closes == 1);  // handle_close has already been called
  BOOST_TEST(channel.recv({&byte, 1}).closed());
  test::turn(loop, 3);
  BOOST_TEST(got.closes == 1);  // once
}

BOOST_AUTO_TEST_CASE_TEMPLATE(handle_data_is_given_all_there_is, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  const test::ends pair = test::socket_pair();
  listener<Place> channel(loop, test::copy_of(pair.near.get()), got);
  const std::string message(50'000, 'm');
  test::put(pair.far, message);
  loop.poll();
  BOOST_TEST(channel.calls == 1);
  BOOST_TEST((got.received == message));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(writing_is_watched_while_there_is_something, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::tcp_pair();
  test::limit_buffers(pair);
  talker<Place> channel(loop, std::move(pair.near), got);
  test::turn(loop, 3);
  BOOST_TEST(channel.writes == 0);
  channel.text = std::string(4'000'000, 't');  // more than the buffers hold
  std::string arrived;
  BOOST_TEST(test::turn_until(loop, [&] {
    arrived += test::take(pair.far);
    return arrived.size() == 4'000'000;
  }));
  BOOST_TEST(channel.text.empty());
  BOOST_TEST(channel.writes > 1);
  const int before = channel.writes;
  test::turn(loop, 3);
  BOOST_TEST(channel.writes == before);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(send_tells_would_block, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  talker<Place> channel(loop, std::move(pair.near), got);
  const std::vector<char> block(65536, 'b');
  io_result result(0);
  for (int i = 0; i < 10'000 && !result.would_block(); ++i) result = channel.send(block);
  BOOST_TEST(result.would_block());
  BOOST_TEST(result.bytes() == 0u);
  BOOST_TEST(!result.error());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(after_the_peers_half_close_we_send_on, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::tcp_pair();
  listener<Place> channel(loop, std::move(pair.near), got);
  channel.on_close = [](auto&) {};
  test::put(pair.far, "question");
  test::shut(pair.far.get(), SHUT_WR);
  BOOST_REQUIRE(test::turn_until(loop, [&] { return got.closes == 1; }));
  BOOST_TEST(got.received == "question");
  BOOST_TEST(channel.registered());
  for (const std::string_view part : {"an", "swer"}) {
    BOOST_TEST(channel.send(part).bytes() == part.size());
    test::turn(loop);
    BOOST_REQUIRE(test::wait_for(pair.far.get(), POLLIN));
    BOOST_TEST(test::take(pair.far) == part);
  }
  BOOST_TEST(got.closes == 1);
  channel.close();
  BOOST_TEST(test::at_end(pair.far));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(after_our_half_close_we_receive_on, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::tcp_pair();
  listener<Place> channel(loop, std::move(pair.near), got);
  BOOST_TEST(channel.send("question").ok());
  channel.shutdown();
  BOOST_TEST(test::at_end(pair.far));
  for (const std::string_view part : {"an", "swer"}) {
    test::put(pair.far, part);
    BOOST_REQUIRE(test::turn_until(loop, [&] { return got.received.ends_with(part); }));
  }
  BOOST_TEST(got.received == "answer");
  BOOST_TEST(got.closes == 0);
  pair.far.reset();
  BOOST_TEST(test::turn_until(loop, [&] { return got.closes == 1; }));
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(sending_to_one_who_left_is_a_close, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  talker<Place> channel(loop, std::move(pair.near), got);
  pair.far.reset();
  BOOST_TEST(channel.send("x").closed());  // and no SIGPIPE
  BOOST_TEST(got.closes == 1);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_arrived_comes_before_the_failed_send, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  listener<Place> channel(loop, std::move(pair.near), got);
  test::put(pair.far, "last words");
  pair.far.reset();
  BOOST_TEST(channel.send("x").closed());
  BOOST_TEST(got.closes == 0);
  BOOST_TEST(test::turn_until(loop, [&] { return got.closes == 1; }));
  BOOST_TEST(got.received == "last words");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_reset_is_a_close, Place, test::matrix) {
  loop_of<Place> loop;
  outcome data, read, write, paused;
  test::ends pairs[] = {test::tcp_pair(), test::tcp_pair(), test::tcp_pair(), test::tcp_pair()};
  listener<Place> a(loop, std::move(pairs[0].near), data);
  reader<Place> b(loop, std::move(pairs[1].near), read);
  talker<Place> c(loop, std::move(pairs[2].near), write), d(loop, std::move(pairs[3].near), paused);
  c.text = d.text = "x";
  test::turn(loop);
  for (test::ends& pair : pairs) test::reset(pair.far);
  c.text = "y";
  BOOST_TEST(test::turn_until(
      loop, [&] { return data.closes == 1 && read.closes == 1 && write.closes == 1; }));
  d.text = "y";  // select tells those who wait for nothing when they wait again
  BOOST_TEST(test::turn_until(loop, [&] { return paused.closes == 1; }));
  BOOST_TEST(data.logged + read.logged + write.logged + paused.logged == "");
  BOOST_TEST(loop.empty());
}

// The same, the other way round: our reset is their end, and we are not told.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_reset_of_ours_tells_the_peer, Place, test::matrix) {
  loop_of<Place> loop;
  outcome near, far;
  test::ends pair = test::tcp_pair();
  listener<Place> a(loop, std::move(pair.near), near), b(loop, std::move(pair.far), far);
  const linger at_once{1, 0};
  ::setsockopt(a.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  a.close();
  BOOST_TEST(test::turn_until(loop, [&] { return far.closes == 1; }));
  BOOST_TEST(near.closes == 0);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(urgent_data_has_its_hook, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::tcp_pair();
  urgent<Place> channel(loop, std::move(pair.near), got);
  test::put(pair.far, "before");
  test::put_urgent(pair.far);
  test::put(pair.far, "after");
  BOOST_TEST(test::turn_until(
      loop, [&] { return channel.urgent_bytes == "!" && got.received == "beforeafter"; }));
  BOOST_TEST(channel.urgent_bytes == "!");
  BOOST_TEST(got.received == "beforeafter");
  BOOST_TEST(got.closes == 0);
  test::turn(loop, 3);
  BOOST_TEST(channel.urgent_bytes == "!");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(handle_accept_may_be_ones_own, Place, test::matrix) {
  loop_of<Place> loop;
  acceptor<Place> server(loop);
  std::vector<test::unique_fd> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(test::connected_to(server.local_addr()));
  BOOST_TEST(test::turn_until(loop, [&] { return server.peers.size() == 3; }));
  BOOST_TEST(server.calls == 3);
  BOOST_TEST(!server.accept().has_value());  // there is none that waits
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

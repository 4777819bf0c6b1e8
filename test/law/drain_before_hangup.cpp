// SPDX-License-Identifier: BSL-1.0
// Law 3: HUP with unread bytes delivers the bytes first: the tail of a stream is never lost.
#include <boost/test/unit_test.hpp>

#include <numeric>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/readers.hpp"
#include "../support/turns.hpp"

namespace {

using test::asks;
using test::ends;
using test::heard;

// How a stream ends.
enum class end { socket, finished, reset, pipe };
constexpr end ends_of_sockets[] = {end::socket, end::finished, end::reset};

ends stream(end how) {
  switch (how) {
    case end::socket: return test::socket_pair();
    case end::pipe: return test::pipe_to_near();
    default: return test::tcp_pair();
  }
}

// The far end goes, and the near end knows it.
void leave(end how, ends& pair, int near) {
  if (how == end::reset) {
    test::reset(pair.far);
    BOOST_CHECK(test::wait_for(near, 0));  // hung up
  } else {
    pair.far.reset();
  }
}

std::string text_of(std::size_t length) {
  std::string text(length, '\0');
  std::iota(text.begin(), text.end(), '\1');
  return text;
}

void check_all(const heard& what, const std::string& sent) {
  BOOST_CHECK_EQUAL(what.bytes.size(), sent.size());
  BOOST_CHECK(what.bytes == sent);
  BOOST_CHECK_EQUAL(what.closes, 1);
  BOOST_CHECK_EQUAL(what.errors, 0);
}

// The peer writes and leaves before the loop looks.
template <class Reader>
void tail(end how, std::size_t length) {
  typename Reader::loop_type loop;
  heard what;
  const std::string sent = text_of(length);
  ends pair = stream(how);
  const int near = pair.near.get();
  test::put(pair.far, sent);
  BOOST_CHECK(sent.empty() || test::wait_for(near, POLLIN));
  loop.template emplace<Reader>(what, std::move(pair.near));
  leave(how, pair, near);
  loop.run();
  check_all(what, sent);
}

// A reader that is paused when the peer leaves, and reads on later. `pause_at`: how many bytes it
// has had by then.
template <class Reader>
void paused_tail(end how, bool started) {
  typename Reader::loop_type loop;
  heard what;
  const std::string sent = text_of(2000);
  ends pair = stream(how);
  Reader reader(loop, what, std::move(pair.near));
  if (started) {
    what.on_data = [&] { reader.paused = true; };  // in its own hook: no rearm is due
    test::put(pair.far, sent.substr(0, 5));
    test::turn_until(loop, [&] { return reader.paused; });
    what.on_data = nullptr;
    test::put(pair.far, sent.substr(5));
  } else {
    reader.paused = true;
    reader.rearm();
    test::turn(loop);
    test::put(pair.far, sent);
  }
  BOOST_CHECK(test::wait_for(reader.native_handle(), POLLIN));
  leave(how, pair, reader.native_handle());
  test::turn(loop, 20);
  BOOST_CHECK_EQUAL(what.bytes.size(), started ? 5u : 0u);
  BOOST_CHECK_EQUAL(what.closes, 0);
  BOOST_CHECK_EQUAL(loop.size(), 1u);
  reader.paused = false;
  reader.rearm();
  loop.run();
  check_all(what, sent);
}

// Writing finds out that the peer has left, while its last bytes have not been read.
template <class Reader>
void tail_behind_failed_send(bool paused) {
  typename Reader::loop_type loop;
  heard what;
  ends pair = test::socket_pair();
  Reader reader(loop, what, std::move(pair.near));
  if constexpr (requires { reader.paused; }) reader.paused = paused;
  test::put(pair.far, "the tail");
  pair.far.reset();
  (void)reader.send("x");
  (void)reader.send("y");
  BOOST_CHECK_EQUAL(what.closes, 0);
  if constexpr (requires { reader.paused; }) {
    if (paused) {
      test::turn(loop, 20);
      BOOST_CHECK_EQUAL(what.closes, 0);
      reader.paused = false;
      reader.rearm();
    }
  }
  loop.run();
  check_all(what, "the tail");
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(drain_before_hangup, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(sockets, Place, test::matrix) {
  for (const end how : ends_of_sockets) {
    tail<test::data_reader<Place, asks::never>>(how, 3000);
    tail<test::data_reader<Place, asks::every_turn>>(how, 3000);
    tail<test::piece_reader<Place>>(how, 3000);
    if (how != end::reset) tail<test::data_reader<Place, asks::on_rearm>>(how, 0);
  }
}

// More than the loop reads at a time.
BOOST_AUTO_TEST_CASE_TEMPLATE(long_tails, Place, test::matrix) {
  tail<test::data_reader<Place, asks::never>>(end::socket, 100'000);
  tail<test::data_reader<Place, asks::on_rearm>>(end::finished, 100'000);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(pipes, Place, test::matrix) {
  tail<test::file_reader<Place>>(end::pipe, 3000);
  tail<test::file_reader<Place>>(end::pipe, 65536);
  tail<test::file_reader<Place>>(end::pipe, 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(paused_readers, Place, test::matrix) {
  for (const bool started : {false, true}) {
    for (const end how : ends_of_sockets) {
      paused_tail<test::data_reader<Place, asks::every_turn>>(how, started);
      paused_tail<test::data_reader<Place, asks::on_rearm>>(how, started);
      paused_tail<test::piece_reader<Place>>(how, started);
    }
    paused_tail<test::file_reader<Place>>(end::pipe, started);
  }
}

// A constant pauses for ever: the bytes stay for whoever calls recv.
BOOST_AUTO_TEST_CASE_TEMPLATE(constant_pause, Place, test::matrix) {
  for (const end how : ends_of_sockets) {
    test::reader_loop<Place> loop;
    heard what;
    ends pair = stream(how);
    test::deaf_reader<Place> reader(loop, what, std::move(pair.near));
    test::put(pair.far, "the tail");
    BOOST_CHECK(test::wait_for(reader.native_handle(), POLLIN));
    leave(how, pair, reader.native_handle());
    test::turn(loop, 20);
    BOOST_CHECK_EQUAL(what.hooks, 0);
    std::array<std::byte, 5> piece;
    std::string got;
    asyncore::io_result result(0);
    while ((result = reader.recv(piece)).ok())
      got += asyncore::as_text(std::span(piece).first(result.bytes()));
    BOOST_CHECK(result.closed());
    BOOST_CHECK_EQUAL(got, "the tail");
    BOOST_CHECK_EQUAL(what.closes, 1);
  }
}

// Another channel's hook pauses a reader whose hangup has been reported in the same turn.
BOOST_AUTO_TEST_CASE_TEMPLATE(paused_in_the_turn_of_the_hangup, Place, test::matrix) {
  using reader = test::data_reader<Place, asks::on_rearm>;
  test::reader_loop<Place> loop;
  heard what[2];
  ends pairs[2] = {test::socket_pair(), test::socket_pair()};
  reader first(loop, what[0], std::move(pairs[0].near));
  reader second(loop, what[1], std::move(pairs[1].near));
  what[0].on_data = [&] { second.paused = true, second.rearm(); };
  what[1].on_data = [&] { first.paused = true, first.rearm(); };
  for (ends& pair : pairs) {
    test::put(pair.far, "the tail");
    pair.far.reset();
  }
  test::turn(loop, 20);
  BOOST_CHECK_EQUAL(what[0].bytes + what[1].bytes, "the tail");
  what[0].on_data = what[1].on_data = nullptr;
  for (reader* one : {&first, &second}) {
    one->paused = false;
    one->rearm();
  }
  loop.run();
  check_all(what[0], "the tail");
  check_all(what[1], "the tail");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_send_fails_first, Place, test::matrix) {
  tail_behind_failed_send<test::data_reader<Place, asks::never>>(false);
  tail_behind_failed_send<test::piece_reader<Place>>(false);
  for (const bool paused : {false, true}) {
    tail_behind_failed_send<test::data_reader<Place, asks::every_turn>>(paused);
    tail_behind_failed_send<test::data_reader<Place, asks::on_rearm>>(paused);
    tail_behind_failed_send<test::piece_reader<Place>>(paused);
  }
}

// The answer to the first bytes fails before the rest has been read.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_send_fails_in_the_hook, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard what;
  ends pair = test::socket_pair();
  auto& reader = loop.template emplace<test::piece_reader<Place>>(what, std::move(pair.near));
  what.on_data = [&] { (void)reader.send("answer"); };
  const std::string sent = text_of(100);
  test::put(pair.far, sent);
  pair.far.reset();
  loop.run();
  check_all(what, sent);
}

// The end of one direction is not the end of the other.
BOOST_AUTO_TEST_CASE_TEMPLATE(half_close, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard what;
  what.stays_open = true;
  ends pair = test::tcp_pair();
  test::data_reader<Place, asks::never> reader(loop, what, std::move(pair.near));
  test::put(pair.far, "question");
  test::shut(pair.far.get(), SHUT_WR);
  test::turn_until(loop, [&] { return what.closes == 1; });
  check_all(what, "question");
  BOOST_CHECK(reader.send("answer").ok());
  BOOST_CHECK(test::wait_for(pair.far.get(), POLLIN));
  BOOST_CHECK_EQUAL(test::take(pair.far), "answer");
  reader.close();
  BOOST_CHECK(test::at_end(pair.far));
}

BOOST_AUTO_TEST_SUITE_END()

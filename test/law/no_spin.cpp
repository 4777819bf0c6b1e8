// SPDX-License-Identifier: BSL-1.0
// Law 4: a paused, hung-up or fully closed channel causes no wake-ups. Counted twice: the hooks
// that are called, and what the poller reports, by a poller around the poller.
#include <boost/test/unit_test.hpp>

#include <chrono>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/readers.hpp"
#include "../support/turns.hpp"

namespace {

using test::asks;
using test::ends;
using test::heard;
using namespace std::chrono_literals;

// A loop that counts, and one channel in it.
template <class P>
struct stillness {
  using place = test::counted<P>;
  using loop_type = test::reader_loop<place>;

  stillness() { what.stays_open = true; }

  // Lets what has happened be dispatched; then nothing more may come.
  void settle_and_check() {
    test::turn(loop, 10);
    BOOST_CHECK_LE(what.closes, 1);
    BOOST_CHECK_LE(what.errors, 1);
    const std::size_t reports = counts.reports;
    const std::size_t changes = counts.changes;
    const int hooks = what.hooks;
    test::turn(loop, 50);
    counts.timeouts.clear();
    const auto start = test::sys().now();
    loop.poll(1ms);
    BOOST_CHECK(test::sys().now() - start >= 1ms);
    BOOST_CHECK_EQUAL(counts.reports - reports, 0u);
    BOOST_CHECK_EQUAL(counts.changes - changes, 0u);  // and the poller is left alone
    BOOST_CHECK_EQUAL(what.hooks - hooks, 0);
    BOOST_CHECK_EQUAL(counts.timeouts.size(), 1u);
    BOOST_CHECK(counts.timeouts.back() == asyncore::timeout_type(1ms));
  }

  test::poller_counts counts;
  heard what;
  loop_type loop{counts};
};

enum class left { nothing, bytes, end, bytes_and_end, bytes_and_reset };
constexpr left all_left[] = {left::nothing, left::bytes, left::end, left::bytes_and_end,
                             left::bytes_and_reset};

void do_leave(ends& pair, left how, int near) {
  if (how == left::bytes || how == left::bytes_and_end || how == left::bytes_and_reset) {
    test::put(pair.far, "unread");
    BOOST_CHECK(test::wait_for(near, POLLIN));
  }
  if (how == left::bytes_and_reset) {
    test::reset(pair.far);
    BOOST_CHECK(test::wait_for(near, 0));
  } else if (how == left::end || how == left::bytes_and_end) {
    pair.far.reset();
  }
}

template <class Place, template <class> class Reader, class Pair>
void paused(Pair make_pair) {
  for (const left how : all_left)
    for (const bool from_the_start : {false, true}) {
      stillness<Place> b;
      ends pair = make_pair();
      if (how == left::bytes_and_reset && test::is_pipe(pair)) continue;
      Reader<typename stillness<Place>::place> reader(b.loop, b.what, std::move(pair.near));
      if (!from_the_start) test::turn(b.loop);
      reader.paused = true;
      reader.rearm();
      do_leave(pair, how, reader.native_handle());
      b.settle_and_check();
      BOOST_CHECK_EQUAL(b.what.bytes, "");
    }
}

// The peer has left, and the user's hooks do not close.
template <class Place, template <class> class Reader, class Pair>
void hung_up(Pair make_pair) {
  for (const left how : all_left) {
    stillness<Place> b;
    ends pair = make_pair();
    if (how == left::bytes_and_reset && test::is_pipe(pair)) continue;
    Reader<typename stillness<Place>::place> reader(b.loop, b.what, std::move(pair.near));
    do_leave(pair, how, reader.native_handle());
    b.settle_and_check();
    BOOST_CHECK_EQUAL(b.what.bytes, how == left::nothing || how == left::end ? "" : "unread");
    BOOST_CHECK_EQUAL(b.what.closes, how == left::nothing || how == left::bytes ? 0 : 1);
    BOOST_CHECK_EQUAL(b.loop.size(), 1u);
  }
}

template <class P>
using plain = test::data_reader<P, asks::never>;
template <class P>
using asked = test::data_reader<P, asks::every_turn>;
template <class P>
using rearmed = test::data_reader<P, asks::on_rearm>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(no_spin, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(paused_channels, Place, test::matrix) {
  paused<Place, asked>(test::tcp_pair);
  paused<Place, rearmed>(test::tcp_pair);
  paused<Place, test::piece_reader>(test::tcp_pair);
  paused<Place, test::file_reader>(test::pipe_to_near);
}

// Where a change costs a system call, a pause that ends before anything arrives costs nothing, and
// one that does not costs one report, which ends no turn and calls nothing.
BOOST_AUTO_TEST_CASE_TEMPLATE(pauses_are_told_late, Place, test::matrix) {
  stillness<Place> b;
  ends pair = test::tcp_pair();
  rearmed<typename stillness<Place>::place> reader(b.loop, b.what, std::move(pair.near));
  test::turn(b.loop);
  const std::size_t changes = b.counts.changes;
  const auto pause = [&](bool paused) {
    reader.paused = paused;
    reader.rearm();
    test::turn(b.loop);
  };
  for (int i = 0; i < 10; ++i) pause(i % 2 == 0);
  const bool late = requires { Place::poller::changes_cost; };
  BOOST_CHECK_EQUAL(b.counts.changes - changes, late ? 0u : 10u);

  pause(true);
  test::put(pair.far, "unread");
  BOOST_CHECK(test::wait_for(reader.native_handle(), POLLIN));
  const auto start = test::sys().now();
  b.loop.poll(5ms);
  BOOST_CHECK(test::sys().now() - start >= 5ms);
  BOOST_CHECK_EQUAL(b.counts.reports, late ? 1u : 0u);
  BOOST_CHECK_EQUAL(b.counts.changes - changes, late ? 1u : 11u);
  b.settle_and_check();
  pause(false);
  BOOST_CHECK(test::turn_until(b.loop, [&] { return b.what.bytes == "unread"; }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(hung_up_channels, Place, test::matrix) {
  hung_up<Place, plain>(test::tcp_pair);
  hung_up<Place, asked>(test::tcp_pair);
  hung_up<Place, rearmed>(test::tcp_pair);
  hung_up<Place, test::piece_reader>(test::tcp_pair);
  hung_up<Place, test::file_reader>(test::pipe_to_near);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(half_closed_channels, Place, test::matrix) {
  for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR})
    for (const bool by_peer : {false, true})
      for (const auto make_pair : {test::tcp_pair, test::socket_pair}) {
        stillness<Place> b;
        ends pair = make_pair();
        plain<typename stillness<Place>::place> reader(b.loop, b.what, std::move(pair.near));
        test::shut(by_peer ? pair.far.get() : reader.native_handle(), how);
        b.settle_and_check();
      }
}

// The end of the stream is found by a send.
BOOST_AUTO_TEST_CASE_TEMPLATE(writers_without_a_reader, Place, test::matrix) {
  for (const bool paused : {false, true}) {
    stillness<Place> b;
    ends pair = test::socket_pair();
    rearmed<typename stillness<Place>::place> reader(b.loop, b.what, std::move(pair.near));
    reader.paused = paused;
    test::put(pair.far, "unread");
    pair.far.reset();
    reader.send("x");
    reader.rearm();
    b.settle_and_check();
  }
}

// What waits to be sent, while the peer does not read: the interest in writing stays, unanswered.
BOOST_AUTO_TEST_CASE_TEMPLATE(blocked_writers, Place, test::matrix) {
  stillness<Place> b;
  ends pair = test::socket_pair();
  plain<typename stillness<Place>::place> writer(b.loop, b.what, std::move(pair.near));
  writer.send(std::string(1 << 20, 'x'));
  BOOST_CHECK(writer.queued() > 0);
  b.settle_and_check();
  BOOST_CHECK(writer.queued() > 0);
}

// A connected channel is always ready to write; nobody wants to know.
BOOST_AUTO_TEST_CASE_TEMPLATE(idle_writers, Place, test::matrix) {
  stillness<Place> b;
  ends pair = test::socket_pair();
  plain<typename stillness<Place>::place> writer(b.loop, b.what, std::move(pair.near));
  writer.send(std::string(1 << 20, 'x'));
  BOOST_CHECK(test::turn_until(b.loop, [&] { return test::take(pair.far), writer.queued() == 0; }));
  b.settle_and_check();
  test::piece_reader<typename stillness<Place>::place> with_hook(b.loop, b.what, std::move(pair.far));
  b.settle_and_check();
}

// The far end of a pipe that was written to has gone: POLLERR, which cannot be masked.
BOOST_AUTO_TEST_CASE_TEMPLATE(pipes_that_nobody_reads, Place, test::matrix) {
  stillness<Place> b;
  ends pair = test::pipe_from_near();
  test::file_reader<typename stillness<Place>::place> writer(b.loop, b.what, pair.near);
  writer.wants_write = true;
  test::turn(b.loop);
  BOOST_CHECK_GT(b.what.hooks, 0);
  writer.wants_write = false;
  writer.rearm();
  pair.far.reset();
  b.settle_and_check();
}

// The kernel reports a stream socket that is not connected as hung up.
BOOST_AUTO_TEST_CASE_TEMPLATE(unconnected_sockets, Place, test::matrix) {
  stillness<Place> b;
  plain<typename stillness<Place>::place> fresh(b.loop, b.what);
  fresh.create_socket();
  b.settle_and_check();
  BOOST_CHECK_EQUAL(b.what.hooks, 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(refused_connections, Place, test::matrix) {
  stillness<Place> b;
  const auto nobody = test::tcp_listener(-1);
  plain<typename stillness<Place>::place> client(b.loop, b.what);
  client.create_socket();
  client.connect(test::name_of(nobody.get()));
  BOOST_CHECK(test::turn_until(b.loop, [&] { return b.what.errors == 1; }));
  b.settle_and_check();
}

// Abort of a connection whose owner does not want to hear of it.
BOOST_AUTO_TEST_CASE_TEMPLATE(deaf_channels, Place, test::matrix) {
  for (const left how : all_left) {
    stillness<Place> b;
    ends pair = test::tcp_pair();
    test::deaf_reader<typename stillness<Place>::place> deaf(b.loop, b.what, std::move(pair.near));
    do_leave(pair, how, deaf.native_handle());
    b.settle_and_check();
  }
}

// A regular file is always ready, unless it is paused.
BOOST_AUTO_TEST_CASE_TEMPLATE(files, Place, test::matrix) {
  const auto file = test::file_of("unread");
  for (const bool paused : {false, true}) {
    stillness<Place> b;
    test::kernel::rewind(file.get());
    test::file_reader<typename stillness<Place>::place> reader(b.loop, b.what, file);
    reader.paused = paused;
    b.settle_and_check();
    BOOST_CHECK_EQUAL(b.what.bytes, paused ? "" : "unread");
    BOOST_CHECK_EQUAL(b.what.closes, paused ? 0 : 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()

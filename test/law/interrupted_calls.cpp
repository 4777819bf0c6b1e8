// SPDX-License-Identifier: BSL-1.0
// Law 6, its last part: EINTR is retried except for close. With real signals, which come again and
// again while a call blocks.
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/readers.hpp"
#include "../support/signals.hpp"
#include "../support/turns.hpp"

namespace {

using asyncore::posix_system;
using test::asks;
using test::ends;
using test::heard;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

template <class P>
using plain = test::data_reader<P, asks::never>;

// What the handler does at the fifth signal: a call that blocked until then has been interrupted.
int ticks;
int handlers_fd;
void (*stop_loop)();

void on_fifth(void (*act)()) {
  if (++ticks == 5) act();
}
void write_at_last() {
  on_fifth([] { BOOST_CHECK_EQUAL(::write(handlers_fd, "x", 1), 1); });
}
void read_at_last() {
  on_fifth([] {
    char bytes[65536];
    while (::read(handlers_fd, bytes, sizeof bytes) > 0) continue;
  });
}
void stop_at_last() {
  on_fifth([] { stop_loop(); });
}

void set_blocking(const test::unique_fd& fd) {
  BOOST_REQUIRE_EQUAL(::fcntl(fd.get(), F_SETFL, 0), 0);
}

// `call` blocks on the near end until the handler has acted on the far end.
template <class Call>
void blocks(ends pair, test::signal_watch::action_type handler, Call call) {
  set_blocking(pair.near);
  handlers_fd = pair.far.get();
  ticks = 0;
  const test::alarms alarms(1ms, handler);
  BOOST_CHECK_GT(call(pair.near.get()), 0);
  BOOST_CHECK_GE(alarms.count(), 5);
}

ends full(ends pair) {
  test::fill(pair.near);
  return pair;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(interrupted_calls)

BOOST_AUTO_TEST_CASE(reads_are_retried) {
  static std::array<std::byte, 8> buffer;
  asyncore::endpoint from;
  blocks(test::pipe_to_near(), write_at_last, [](int fd) { return posix_system::read(fd, buffer); });
  blocks(test::socket_pair(), write_at_last, [](int fd) { return posix_system::recv(fd, buffer); });
  blocks(test::tcp_pair(), write_at_last,
         [&](int fd) { return posix_system::recvfrom(fd, buffer, from); });
}

BOOST_AUTO_TEST_CASE(writes_are_retried) {
  static std::array<std::byte, 8> bytes{};
  static const iovec pieces[] = {{bytes.data(), 4}, {bytes.data() + 4, 4}};
  blocks(full(test::pipe_from_near()), read_at_last,
         [](int fd) { return posix_system::write(fd, bytes); });
  blocks(full(test::pipe_from_near()), read_at_last,
         [](int fd) { return posix_system::writev(fd, pieces); });
  blocks(full(test::socket_pair()), read_at_last,
         [](int fd) { return posix_system::send(fd, bytes); });
  blocks(full(test::socket_pair()), read_at_last,
         [](int fd) { return posix_system::sendmsg(fd, pieces); });
  blocks(full(test::socket_pair()), read_at_last,
         [](int fd) { return posix_system::sendto(fd, bytes, asyncore::endpoint()); });
}

// An interrupted connect goes on, and must not be started again: EALREADY (connect(2)).
BOOST_AUTO_TEST_CASE(connect_goes_on) {
  const auto listener = test::tcp_listener(0);
  const auto to = test::name_of(listener.get());
  std::array<test::unique_fd, 8> others;  // more than the backlog holds
  for (auto& other : others) {
    other = test::checked(posix_system::socket(AF_INET, SOCK_STREAM));
    posix_system::connect(other.get(), to);
  }
  const auto last = test::checked(posix_system::socket(AF_INET, SOCK_STREAM));
  set_blocking(last);
  const test::alarms alarms(1ms);
  BOOST_CHECK_EQUAL(posix_system::connect(last.get(), to), -EINPROGRESS);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(poll_waits_its_time, Place, test::matrix) {
  using place = test::counted<Place>;
  test::poller_counts counts;
  test::reader_loop<place> loop(counts);
  heard what;
  ends pair = test::socket_pair();
  plain<place> reader(loop, what, std::move(pair.near));
  const test::alarms alarms(1ms);
  unsigned polls = 0;
  while (counts.waits == polls && polls < 100) {  // until one was interrupted
    const auto start = steady_clock::now();
    loop.poll(12ms);
    BOOST_CHECK(steady_clock::now() - start >= 12ms);
    ++polls;
  }
  BOOST_CHECK_GT(counts.waits, polls);
  BOOST_CHECK_EQUAL(what.hooks, 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(poll_finds_what_a_handler_wrote, Place, test::matrix) {
  for (const asyncore::timeout_type timeout : {asyncore::timeout_type(), {10s}}) {
    test::reader_loop<Place> loop;
    heard what;
    ends pair = test::socket_pair();
    plain<Place> reader(loop, what, std::move(pair.near));
    handlers_fd = pair.far.get();
    ticks = 0;
    const test::alarms alarms(1ms, write_at_last);
    loop.poll(timeout);
    BOOST_CHECK_EQUAL(what.bytes, "x");
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_counts_whole_turns, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard what;
  ends pair = test::socket_pair();
  plain<Place> reader(loop, what, std::move(pair.near));
  const test::alarms alarms(500us);
  const auto start = steady_clock::now();
  loop.run({.timeout = 3ms, .count = 2});
  BOOST_CHECK(steady_clock::now() - start >= 6ms);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_stops_the_loop, Place, test::matrix) {
  static test::reader_loop<Place>* stopped;
  for (const bool polling : {false, true}) {
    test::reader_loop<Place> loop;
    heard what;
    ends pair = test::socket_pair();
    plain<Place> reader(loop, what, std::move(pair.near));
    stopped = &loop;
    stop_loop = [] { stopped->stop(); };
    ticks = 0;
    const test::alarms alarms(1ms, stop_at_last);
    if (polling) {
      loop.poll({});
    } else {
      loop.run({.timeout = {}});
    }
    BOOST_CHECK_GE(ticks, 5);
    BOOST_CHECK_EQUAL(loop.size(), 1u);
  }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
// What seldom happens in a turn: pollers that refuse, channels that leave at the wrong moment.
#include <asyncore.hpp>
#include <asyncore/deadline.hpp>
#include <asyncore/timers.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/standard_error.hpp"
#include "../support/walled_system.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

namespace {

using namespace std::chrono_literals;
using asyncore::interest;
using asyncore::token;
using test::outcome;

void call(const std::function<void()>& f) {
  if (const auto copy = f) copy();
}
asyncore::socket wall_in(const test::unique_fd& fd) {
  return asyncore::socket(test::walled_system::inside(test::copy_of(fd.get()).release()));
}

/// A poller that refuses what it is told to: the next adds and changes, with an errno.
template <class Poller>
struct refusing : Poller {
  static inline std::deque<int> adds, changes;
  std::error_code add(token t, interest wanted) {
    if (const int error = next(adds)) return asyncore::errno_code(error);
    return Poller::add(t, wanted);
  }
  std::error_code modify(token t, interest wanted) {
    if (const int error = next(changes)) return asyncore::errno_code(error);
    return Poller::modify(t, wanted);
  }
  static int next(std::deque<int>& from) {
    if (from.empty()) return 0;
    const int first = from.front();
    from.pop_front();
    return first;
  }
};
using poller = refusing<asyncore::default_poller>;
using loop_type = asyncore::basic_loop<poller, asyncore::fd_table<>>;

/// A channel of a descriptor, without more.
struct bare : asyncore::channel<bare, loop_type> {
  bare(loop_type& loop, int fd) : channel(loop, fd) {}
  bool readable() const {
    const bool answer = reads;
    call(on_ask);
    return answer;
  }
  bool writable() const { return writes; }
  void handle_read() { call(on_read); }
  void handle_write() { ++written; }
  void handle_close() {
    ++got.closes;
    call(on_close);
    close();
  }
  void handle_error() {
    got.catch_current();
    if (by_default) channel::handle_error();
  }
  void close() {
    channel::close();
    call(on_left);
  }
  bool reads = true, writes = false, by_default = false;
  int written = 0;
  mutable outcome got;
  std::function<void()> on_ask, on_read, on_close, on_left;
};

struct ready_pipe : test::ends {
  ready_pipe() : ends(test::pipe_to_near()) { test::put(far, "x"); }
};

BOOST_AUTO_TEST_SUITE(rare_turns)

// Channels

BOOST_AUTO_TEST_CASE(a_bare_channel_is_told_of_an_error) {
  loop_type loop;
  ready_pipe pipe;
  bare channel(loop, pipe.near.get());
  channel.on_read = [] { throw std::system_error(asyncore::errno_code(ECONNRESET)); };
  channel.by_default = true;
  loop.poll(0ns);
  BOOST_TEST(channel.got.closes == 0);
  BOOST_TEST(channel.got.errors == 1);
  BOOST_TEST(loop.empty());
}

/// A kind of its own that keeps its place until the loop takes it away.
struct stubborn : asyncore::channel<stubborn, loop_type> {
  [[maybe_unused]] friend asyncore::detail::kind_tag<stubborn> asyncore_kind(stubborn*) {
    return {};
  }
  stubborn(loop_type& loop, int fd) : channel(loop, fd) {}
  void handle_read() {}
  void abandon() noexcept { asked = true; }
  bool asked = false;
};

BOOST_AUTO_TEST_CASE(channels_that_outlive_their_loop) {
  std::optional<loop_type> loop(std::in_place);
  ready_pipe one, two;
  bare first(*loop, one.near.get());
  stubborn second(*loop, two.near.get());
  loop.reset();
  BOOST_TEST(!first.registered());
  BOOST_TEST(second.asked);
  BOOST_TEST(!second.registered());
}

BOOST_AUTO_TEST_CASE(handle_error_may_be_called_by_hand) {
  loop_type loop;
  ready_pipe pipe;
  bare channel(loop, pipe.near.get());
  channel.by_default = true;
  poller::changes = {ENOMEM};
  channel.reads = false;
  loop.poll(0ns);
  const std::string text = test::stderr_of([&] { channel.channel::handle_error(); });
  BOOST_TEST(test::contains(text, "bare"));
  BOOST_TEST(loop.empty());
  poller::changes.clear();
}

// Its predicate throws when it has left the loop: that is not its loop's business any more.
BOOST_AUTO_TEST_CASE(a_predicate_that_leaves_and_throws) {
  loop_type loop;
  ready_pipe pipe;
  bare channel(loop, pipe.near.get());
  channel.on_ask = [&] {
    channel.on_ask = nullptr;
    channel.close();
    throw std::runtime_error("too late");
  };
  const std::string text = test::stderr_of([&] { loop.poll(0ns); });
  BOOST_TEST(test::contains(text, "a channel that has closed: too late"));
  BOOST_TEST(channel.got.errors == 0);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE(one_that_throws_when_it_has_left) {
  for (const bool ignore : {true, false}) {
    loop_type loop;
    ready_pipe one, two;
    bare first(loop, one.near.get()), second(loop, two.near.get());
    first.on_left = [] { throw std::runtime_error("left"); };
    if (ignore) {
      loop.close_all(true);
      BOOST_TEST(loop.empty());
    } else {
      BOOST_CHECK_THROW(loop.close_all(false), std::runtime_error);
    }
    first.on_left = nullptr;
  }
}

// Its loop may put off to tell the poller that it has stopped reading, but not that it writes.
BOOST_AUTO_TEST_CASE(one_that_stops_reading_and_writes) {
  loop_type loop;
  const test::ends pair = test::socket_pair();
  bare channel(loop, pair.near.get());
  bool read = false;
  channel.on_read = [&] { read = true; };
  loop.poll(0ns);
  channel.reads = false;
  loop.poll(0ns);
  channel.writes = true;
  test::put(pair.far, "x");
  loop.poll(0ns);
  BOOST_TEST(channel.written == 1);
  BOOST_TEST(!read);
  channel.reads = true;
  loop.poll(0ns);
  BOOST_TEST(read);
}

// Pollers that refuse

#if ASYNCORE_HAS_EPOLL
// A channel that had stopped reading, and the change that its loop had put off.
BOOST_AUTO_TEST_CASE(a_pause_that_the_poller_refuses) {
  loop_type loop;
  test::ends pipe = test::pipe_to_near();
  bare channel(loop, pipe.near.get());
  loop.poll(0ns);
  channel.reads = false;
  loop.poll(0ns);
  poller::changes = {ENOMEM};
  test::put(pipe.far, "x");
  loop.poll(0ns);
  BOOST_TEST(poller::changes.empty());
  BOOST_TEST(channel.got.errors == 1);
  BOOST_TEST(channel.got.code == asyncore::errno_code(ENOMEM));
  BOOST_TEST(channel.got.what.find("epoll") == 0u);
  channel.reads = true;
  bool read = false;
  channel.on_read = [&] { read = true; };
  loop.poll(0ns);
  BOOST_TEST(read);
}
#endif

// The loop goes without a waker until the next run.
BOOST_AUTO_TEST_CASE(a_waker_that_the_poller_refuses) {
  loop_type loop;
  poller::adds = {ENOMEM};
  int called = 0;
  loop.post([&] { ++called; });
  loop.run();
  BOOST_TEST(called == 1);
  BOOST_TEST(poller::adds.empty());
  loop.post([&] { ++called; });
  loop.run();
  BOOST_TEST(called == 2);
}

// Functions of the loop

struct sender;
using sender_loop = asyncore::basic_loop<test::walled_poller<asyncore::default_poller>,
                                         asyncore::hash_map<sender>>;
struct sender : asyncore::dispatcher_with_send<sender, sender_loop> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte>) {}
  void handle_error() { throw asyncore::exit_now(); }
};

// What leaves handle_error leaves run, also from within a function that the loop calls.
BOOST_AUTO_TEST_CASE(an_error_within_a_function) {
  for (const bool posted : {true, false}) {
    sender_loop loop;
    test::ends pair = test::socket_pair();
    sender channel(loop, wall_in(pair.near));
    loop.poll(0ns);
    loop.system().failures["send"] = {-EIO};
    const auto send = [&] {
      channel.send("x");
      channel.initiate_send();
    };
    if (posted) {
      loop.post(send);
    } else {
      loop.call_later(0ns, send);
    }
    BOOST_CHECK_EXCEPTION(loop.poll(0ns), asyncore::exit_now, [](const auto& e) {
      return e.what() == std::string("asyncore::exit_now");
    });
    BOOST_TEST(loop.system().failures["send"].empty());
  }
}

/// Has a deadline, and leaves the loop before it.
struct patient : asyncore::channel<patient, loop_type>, asyncore::deadline<patient, loop_type> {
  patient(loop_type& loop, int fd) : channel(loop, fd) {}
  void handle_read() {}
  void handle_timeout() { ++timeouts; }
  int timeouts = 0;
};

BOOST_AUTO_TEST_CASE(a_deadline_outside_of_the_loop) {
  loop_type loop;
  test::ends pipe = test::pipe_to_near();
  patient channel(loop, pipe.near.get());
  channel.set_deadline(1ns);
  channel.del_channel();
  loop.call_later(2ms, [] {});
  loop.run();
  BOOST_TEST(channel.timeouts == 0);
  channel.add_channel();
  channel.set_deadline(1ns);
  loop.poll(1s);
  BOOST_TEST(channel.timeouts == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// run, poll, stop, close_all and the loop's size.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/signals.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

template <class Place>
struct reader;
template <class Place>
using loop_of = typename Place::template loop<reader<Place>>;

/// Watches a descriptor; what it does is said by the test.
template <class Place>
struct reader : asyncore::channel<reader<Place>, loop_of<Place>> {
  using base = asyncore::channel<reader<Place>, loop_of<Place>>;
  using action = std::function<void(reader&)>;

  reader(loop_of<Place>& loop, int fd, action read = {})
      : base(loop, fd), on_read(std::move(read)) {}

  void handle_read() {
    ++reads;
    if (on_read) on_read(*this);
  }
  void close() {
    if (on_close) on_close(*this);
    base::close();
  }

  action on_read, on_close;
  int reads = 0;
};

/// A pipe that is readable for ever, because nobody reads what is in it.
struct ready_pipe : test::ends {
  ready_pipe() : ends(test::pipe_to_near()) { test::put(far, "x"); }
};

BOOST_FIXTURE_TEST_SUITE(loop, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(an_empty_loop_returns_at_once, Place, test::matrix) {
  loop_of<Place> loop;
  BOOST_TEST(loop.empty());
  BOOST_TEST(loop.size() == 0u);
  loop.run({.timeout = {}, .count = {}});
  loop.run({.timeout = {}, .count = 5});
  loop.poll(0s);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(count_is_a_number_of_turns, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pipe ready;
  reader<Place> channel(loop, ready.near.get());
  loop.run({.timeout = {}, .count = 0});
  BOOST_TEST(channel.reads == 0);
  loop.run({.timeout = {}, .count = 3});
  BOOST_TEST(channel.reads == 3);
  loop.poll();
  BOOST_TEST(channel.reads == 4);
  loop.poll({});
  BOOST_TEST(channel.reads == 5);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_ends_when_the_last_channel_closes, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pipe first, second;
  reader<Place> one(loop, first.near.get(), [](auto& self) { self.close(); });
  reader<Place> two(loop, second.near.get(), [](auto& self) {
    if (self.reads == 3) self.close();
  });
  BOOST_TEST(loop.size() == 2u);
  BOOST_TEST(!loop.empty());
  loop.run({.timeout = {}, .count = {}});
  BOOST_TEST(loop.empty());
  BOOST_TEST(one.reads == 1);
  BOOST_TEST(two.reads == 3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_turn_waits_for_the_timeout_and_no_longer, Place, test::matrix) {
  loop_of<Place> loop;
  const test::ends quiet = test::pipe_to_near();
  reader<Place> channel(loop, quiet.near.get());
  const auto start = test::sys().now();
  loop.poll(0s);
  loop.poll(-1s);
  loop.run({.timeout = 3ms, .count = 2});
  loop.poll(5ms);
  const auto elapsed = test::sys().now() - start;
  BOOST_TEST((elapsed >= 11ms));
  BOOST_TEST((elapsed < 10s));
  BOOST_TEST(channel.reads == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_ready_ends_the_wait, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pipe ready;
  reader<Place> channel(loop, ready.near.get());
  const auto start = test::sys().now();
  loop.poll(1h);
  BOOST_TEST(channel.reads == 1);
  BOOST_TEST((test::sys().now() - start < 1min));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_in_a_hook_ends_run_after_the_turn, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pipe first, second;
  const auto stop = [](auto& self) { self.loop().stop(); };
  reader<Place> one(loop, first.near.get(), stop), two(loop, second.near.get(), stop);
  loop.run({.timeout = {}, .count = 1000});
  BOOST_TEST(one.reads == 1);  // the turn is finished: both
  BOOST_TEST(two.reads == 1);
  BOOST_TEST(loop.size() == 2u);
  loop.run({.timeout = {}, .count = 1000});  // it was ended once, not for ever
  BOOST_TEST(one.reads == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_before_run_ends_it_at_once, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pipe ready;
  reader<Place> channel(loop, ready.near.get());
  loop.stop();
  loop.run({.timeout = {}, .count = 1000});
  BOOST_TEST(channel.reads == 0);
  loop.run({.timeout = {}, .count = 2});
  BOOST_TEST(channel.reads == 2);
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE_TEMPLATE(another_thread_may_stop_the_loop, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pipe ready;
  std::thread other;
  const auto end = test::sys().now() + 20s;
  reader<Place> channel(loop, ready.near.get(), [&](auto& self) {
    if (self.reads == 1) other = std::thread([&] { loop.stop(); });
    if (test::sys().now() > end) throw asyncore::exit_now();
  });
  BOOST_CHECK_NO_THROW(loop.run());
  other.join();
  BOOST_TEST(loop.size() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_handler_may_stop_the_loop, Place, test::matrix) {
  loop_of<Place> loop;
  const test::ends quiet = test::pipe_to_near();
  reader<Place> channel(loop, quiet.near.get());
  static loop_of<Place>* stopped;
  stopped = &loop;
  const test::alarms alarms(1ms, [] { stopped->stop(); });  // again, should it come before the wait
  loop.run({.timeout = {}, .count = {}});
  BOOST_TEST(loop.size() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_does_not_end_a_turn, Place, test::matrix) {
  loop_of<Place> loop;
  const test::ends quiet = test::pipe_to_near();
  reader<Place> channel(loop, quiet.near.get());
  const test::alarms alarms(1ms);
  for (int left = 1000; left > 0 && alarms.count() == 0; --left) {  // a busy machine has few
    const auto start = test::sys().now();
    loop.poll(10ms);
    BOOST_REQUIRE((test::sys().now() - start >= 10ms));
  }
  BOOST_TEST(alarms.count() > 0);
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(close_all_closes_every_channel, Place, test::matrix) {
  loop_of<Place> loop;
  std::vector<ready_pipe> pipes(5);
  std::deque<reader<Place>> channels;
  int closed = 0;
  for (ready_pipe& p : pipes) {
    channels.emplace_back(loop, p.near.get()).on_close = [&](auto&) { ++closed; };
    if (channels.size() == 3) loop.poll();  // some are watched already, some are not
  }
  loop.close_all();
  BOOST_TEST(closed == 5);
  BOOST_TEST(loop.empty());
  loop.close_all();
  BOOST_TEST(closed == 5);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(close_all_from_a_hook_ends_the_turn_for_all, Place, test::matrix) {
  loop_of<Place> loop;
  std::vector<ready_pipe> pipes(4);
  int reads = 0;
  for (ready_pipe& p : pipes)
    loop.template emplace<reader<Place>>(p.near.get(), [&](auto& self) {
      ++reads;
      self.loop().close_all();
    });
  loop.run({.timeout = {}, .count = {}});
  BOOST_TEST(reads == 1);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_close_that_throws_leaves_the_rest_open, Place, test::matrix) {
  loop_of<Place> loop;
  std::vector<ready_pipe> pipes(5);
  std::deque<reader<Place>> channels;
  int closed = 0;
  const auto third_throws = [&](auto&) {
    if (closed == 2) throw std::runtime_error("close failed");
    ++closed;
  };
  for (ready_pipe& p : pipes) channels.emplace_back(loop, p.near.get()).on_close = third_throws;
  BOOST_CHECK_THROW(loop.close_all(), std::runtime_error);
  BOOST_TEST(closed == 2);
  BOOST_TEST(loop.size() == 3u);

  loop.poll();  // what stayed open is watched as before
  int reads = 0;
  for (auto& channel : channels) reads += channel.reads;
  BOOST_TEST(reads == 3);
  for (auto& channel : channels) channel.on_close = {};
  loop.close_all();
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(close_all_can_ignore_errors, Place, test::matrix) {
  loop_of<Place> loop;
  std::vector<ready_pipe> pipes(5);
  std::deque<reader<Place>> channels;
  for (ready_pipe& p : pipes) {
    auto& channel = channels.emplace_back(loop, p.near.get());
    if (channels.size() % 2 == 0)
      channel.on_close = [](auto&) { throw std::runtime_error("close failed"); };
  }
  loop.close_all(true);
  BOOST_TEST(loop.empty());  // those that threw have left, too
}

BOOST_AUTO_TEST_CASE_TEMPLATE(exit_now_leaves_close_all, Place, test::matrix) {
  loop_of<Place> loop;
  const test::ends quiet = test::pipe_to_near();
  reader<Place> channel(loop, quiet.near.get());
  channel.on_close = [](auto&) { throw asyncore::exit_now(); };
  BOOST_CHECK_THROW(loop.close_all(true), asyncore::exit_now);
  BOOST_TEST(loop.size() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_channel_made_in_a_hook_is_served, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pipe first, second;
  std::vector<int> order;
  reader<Place> one(loop, first.near.get(), [&](auto& self) {
    order.push_back(1);
    self.loop().template emplace<reader<Place>>(second.near.get(), [&](auto& made) {
      order.push_back(2);
      made.close();
    });
    self.close();
  });
  loop.run({.timeout = {}, .count = {}});
  BOOST_TEST(order == (std::vector<int>{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

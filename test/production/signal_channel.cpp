// SPDX-License-Identifier: BSL-1.0
// Signals as a channel.
#include <asyncore.hpp>
#include <asyncore/signal_channel.hpp>

#include "../support/child.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/signals.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace {

using namespace std::chrono_literals;

template <class Place>
struct listener;
template <class Place>
using loop_of = typename Place::template loop<listener<Place>>;
template <class Place>
struct listener : asyncore::signal_channel<listener<Place>, loop_of<Place>> {
  using listener::signal_channel::signal_channel;
  void handle_signal(int number) {
    came.push_back(number);
    if (act) act();
  }
  void handle_error() { got.catch_current(); }
  std::vector<int> came;
  std::function<void()> act;
  test::outcome got;
};

/// Every poller.
using places = std::tuple<
#if ASYNCORE_HAS_EPOLL
    test::place<asyncore::epoll_poller, test::fixed, false>,
#endif
    test::place<asyncore::poll_poller, test::dense, true>,
    test::place<asyncore::select_poller, test::hashed, false>>;

template <class Place>
bool hears(loop_of<Place>& loop, listener<Place>& channel, std::vector<int> expected) {
  return test::turn_until(loop, [&] { return channel.came.size() >= expected.size(); }) &&
         channel.came == expected;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(signal_channels)

BOOST_AUTO_TEST_CASE_TEMPLATE(signals_arrive_in_a_turn, Place, places) {
  test::signal_watch before(SIGUSR1);
  loop_of<Place> loop;
  {
    listener<Place> channel(loop, {SIGUSR1, SIGUSR2});
    ::raise(SIGUSR1);
    ::raise(SIGUSR2);
    BOOST_TEST(channel.came.empty());  // not in the handler
    BOOST_TEST(hears<Place>(loop, channel, {SIGUSR1, SIGUSR2}));
    BOOST_TEST(before.count() == 0);
  }
  ::raise(SIGUSR1);  // does again what it did before
  BOOST_TEST(before.count() == 1);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_ends_a_wait, Place, places) {
  loop_of<Place> loop;
  listener<Place> channel(loop, {SIGALRM});
  channel.act = [&] { channel.close(); };
  const itimerval soon{{}, {0, 2000}};
  ::setitimer(ITIMER_REAL, &soon, nullptr);
  loop.run({.timeout = {}});
  BOOST_TEST(channel.came == std::vector<int>{SIGALRM});
}

// The last is never lost, however many there are.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_storm, Place, places) {
  loop_of<Place> loop;
  listener<Place> channel(loop, {SIGUSR1, SIGUSR2});
  for (int i = 0; i < 200'000; ++i) ::raise(SIGUSR1);
  BOOST_TEST(test::turn_until(loop, [&] {
    const std::size_t before = channel.came.size();
    loop.poll();
    return channel.came.size() == before;
  }));
  BOOST_TEST(channel.came.size() > 1000u);
  // Nor is another one that finds the pipe full.
  channel.came.clear();
  for (int i = 0; i < 100'000; ++i) ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  BOOST_TEST(test::turn_until(loop, [&] {
    const std::size_t before = channel.came.size();
    loop.poll();
    return channel.came.size() == before;
  }));
  BOOST_TEST(std::count(channel.came.begin(), channel.came.end(), SIGUSR2) == 1);
  channel.came.clear();
  ::raise(SIGUSR2);
  BOOST_TEST(hears<Place>(loop, channel, {SIGUSR2}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_behind_one_that_throws_is_not_lost, Place, places) {
  loop_of<Place> loop;
  listener<Place> channel(loop, {SIGUSR1, SIGUSR2});
  channel.act = [&] {
    channel.act = nullptr;
    throw asyncore::exit_now();
  };
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  BOOST_CHECK_THROW(loop.poll(10s), asyncore::exit_now);
  loop.poll(10s);
  BOOST_TEST(channel.came == (std::vector<int>{SIGUSR1, SIGUSR2}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(has_one_channel_at_a_time, Place, places) {
  loop_of<Place> loop;
  auto first = std::make_unique<listener<Place>>(loop, std::initializer_list<int>{SIGUSR1});
  listener<Place> second(loop);
  std::error_code failed;
  second.watch(SIGUSR1, failed);
  BOOST_TEST((failed == std::errc::device_or_resource_busy));
  first->watch(SIGUSR1);  // again
  first.reset();
  second.watch(SIGUSR1);
  ::raise(SIGUSR1);
  BOOST_TEST(hears<Place>(loop, second, {SIGUSR1}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_cannot_be_caught, Place, places) {
  loop_of<Place> loop;
  listener<Place> channel(loop);
  for (const int number :
       {0, -1, 65, 1 << 30, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::error_code failed;
    channel.watch(number, failed);
    BOOST_TEST((failed == std::errc::invalid_argument), number);
    BOOST_CHECK_THROW(channel.watch(number), std::system_error);
    BOOST_TEST(loop.empty());  // nor does it keep `run` going
    BOOST_TEST(channel.native_handle() == -1);
  }
  channel.watch(SIGUSR1);
  BOOST_CHECK_THROW(channel.watch(SIGKILL), std::system_error);
  ::raise(SIGUSR1);
  BOOST_TEST(hears<Place>(loop, channel, {SIGUSR1}));
  BOOST_CHECK_EXCEPTION(listener<Place>(loop, {SIGSEGV}), std::system_error, [](const auto& e) {
    return e.code() == std::errc::invalid_argument &&
           test::contains(e.what(), "watch signal 11, a fault that cannot wait for a turn");
  });
}

// Somebody else's handler that is put over the channel's is called, too, and is left in place.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_that_is_installed_over_it, Place, places) {
  static volatile sig_atomic_t calls = 0;
  static struct sigaction before {};
  calls = 0;
  loop_of<Place> loop;
  {
    listener<Place> channel(loop, {SIGUSR1});
    struct sigaction over {};
    over.sa_handler = [](int number) {
      calls = calls + 1;
      before.sa_sigaction(number, nullptr, nullptr);
    };
    ::sigaction(SIGUSR1, &over, &before);
    ::raise(SIGUSR1);
    BOOST_TEST(hears<Place>(loop, channel, {SIGUSR1}));
    BOOST_TEST(calls == 1);
  }
  ::raise(SIGUSR1);
  BOOST_TEST(calls == 2);
  // Another channel is over that again: neither calls the other without end.
  {
    listener<Place> channel(loop, {SIGUSR1});
    ::raise(SIGUSR1);
    BOOST_TEST(hears<Place>(loop, channel, {SIGUSR1}));
    BOOST_TEST(calls == 2);
  }
  ::raise(SIGUSR1);
  BOOST_TEST(calls == 3);
  ::signal(SIGUSR1, SIG_DFL);
}

// What is left when the hook has closed its channel is dropped; the hook may destroy it.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_hook_may_do_anything, Place, places) {
  loop_of<Place> loop;
  int calls = 0;
  auto channel = std::make_unique<listener<Place>>(loop, std::initializer_list<int>{SIGUSR1});
  channel->act = [&] {
    ++calls;
    const auto gone = std::move(channel);
  };
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);
  loop.run();
  BOOST_TEST(calls == 1);
  listener<Place> throwing(loop, {SIGUSR1});
  throwing.act = [] { throw std::runtime_error("not now"); };
  ::raise(SIGUSR1);
  BOOST_TEST(test::turn_until(loop, [&] { return throwing.got.errors == 1; }));
  BOOST_TEST(throwing.got.what == "not now");
}

// A child after `fork` without exec does with a signal what was done before; this process hears
// nothing of it.
BOOST_AUTO_TEST_CASE_TEMPLATE(in_a_forked_child_it_does_nothing, Place, places) {
  loop_of<Place> loop;
  listener<Place> channel(loop, {SIGUSR1});
  const test::child_end end = test::in_child([] {
    ::raise(SIGUSR1);
    return 0;
  });
  BOOST_TEST(end.signal == SIGUSR1);
  test::turn(loop);
  BOOST_TEST(channel.came.empty());
  // The child may watch it itself.
  const test::child_end other = test::in_child([&] {
    loop_of<Place> own;
    listener<Place> listening(own, {SIGUSR1});
    ::raise(SIGUSR1);
    return hears<Place>(own, listening, {SIGUSR1}) ? 7 : 0;
  });
  BOOST_TEST(other.status == 7);
  test::turn(loop);
  BOOST_TEST(channel.came.empty());
  ::raise(SIGUSR1);
  BOOST_TEST(hears<Place>(loop, channel, {SIGUSR1}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_with_its_loop, Place, places) {
  test::signal_watch before(SIGUSR1);
  auto loop = std::make_unique<loop_of<Place>>();
  listener<Place> channel(*loop, {SIGUSR1});
  loop.reset();
  ::raise(SIGUSR1);
  BOOST_TEST(before.count() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

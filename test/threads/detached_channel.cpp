// SPDX-License-Identifier: BSL-1.0
// Connections that move from one loop to another, in one thread and between threads.
#include <asyncore/detached_channel.hpp>

#include <asyncore.hpp>
#include <asyncore/loop_group.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/standard_error.hpp"
#include "../support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>

namespace {

using namespace std::chrono_literals;
using asyncore::detached_channel;
using clock = test::virtual_clock;

template <class Place>
struct session;
template <class Place>
struct plain;
template <class Place>
using loop_of = typename Place::template loop<session<Place>, plain<Place>>;

template <class Place>
struct session : asyncore::dispatcher_with_send<session<Place>, loop_of<Place>>,
                 asyncore::deadline<session<Place>, loop_of<Place>> {
  static constexpr std::size_t high_watermark = 1000, low_watermark = 100;

  session(loop_of<Place>& loop, test::outcome& result)
      : session::dispatcher_with_send(loop), got(result) {}
  ~session() { ++got.destroyed; }
  void handle_data(std::span<const std::byte> data) {
    got.received += asyncore::as_text(data);
    if (on_data) on_data(*this);
  }
  void handle_timeout() { got.received += "timeout "; }
  void handle_accepted(asyncore::socket, asyncore::endpoint) {}
  void handle_high_water() { got.received += "high "; }
  void handle_low_water() { got.received += "low "; }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  test::outcome& got;
  std::function<void(session&)> on_data;
};

/// Without a queue and a deadline.
template <class Place>
struct plain : asyncore::dispatcher<plain<Place>, loop_of<Place>> {
  plain(loop_of<Place>& loop, test::outcome& result) : plain::dispatcher(loop), got(result) {}
  ~plain() { ++got.destroyed; }
  void handle_data(std::span<const std::byte> data) { got.received += asyncore::as_text(data); }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  test::outcome& got;
};

using places = std::tuple<
#if ASYNCORE_HAS_EPOLL
    test::timeless<test::place<asyncore::epoll_poller, test::dense, true>>,
#endif
    test::timeless<test::place<asyncore::poll_poller, test::hashed, false>>>;

/// A connection in the first of two loops.
template <class Place>
struct scene {
  explicit scene(test::ends ends = test::socket_pair()) : pair(std::move(ends)) {
    clock::reset();
    channel.set_socket(asyncore::socket(std::move(pair.near)));
  }
  /// Gives `moved` to a channel of the other loop.
  template <class Channel = session<Place>>
  Channel& settle(detached_channel moved) {
    auto& arrived = other.template emplace<Channel>(there);
    asyncore::attach(arrived, std::move(moved));
    return arrived;
  }
  test::outcome here, there;
  test::ends pair;
  loop_of<Place> one, other;
  session<Place>& channel = one.template emplace<session<Place>>(here);
};

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i) + " ";
  return text;
}

/// What comes until `size` bytes are there, while `turn` is called.
template <class Turn>
std::string received(const test::unique_fd& from, std::size_t size, Turn turn) {
  std::string all;
  for (int left = 100'000; all.size() < size && left > 0; --left) {
    turn();
    all += test::take(from);
  }
  return all;
}

BOOST_AUTO_TEST_SUITE(detached_channels)

BOOST_AUTO_TEST_CASE_TEMPLATE(take_the_queue_along, Place, places) {
  scene<Place> s(test::tcp_pair());
  test::limit_buffers({test::unique_fd(::dup(s.channel.native_handle())),
                       test::unique_fd(::dup(s.pair.far.get()))});
  const std::string text = numbers(500'000);
  s.channel.send(text);
  s.one.poll();
  BOOST_TEST(s.channel.queued() > 0u);
  const std::size_t queued = s.channel.queued();
  BOOST_TEST(s.here.received == "high ");

  detached_channel moved = asyncore::detach(s.channel);
  BOOST_TEST(moved.queued() == queued);
  BOOST_TEST(s.one.empty());
  s.one.poll();
  BOOST_TEST(s.here.destroyed == 1);
  BOOST_TEST(s.here.closes == 0);

  auto& arrived = s.settle(std::move(moved));
  BOOST_TEST(moved.native_handle() == -1);
  BOOST_TEST(arrived.queued() == queued);
  arrived.send("end");
  const std::string all = received(s.pair.far, text.size() + 3, [&] { s.other.poll(); });
  BOOST_TEST((all == text + "end"));
  BOOST_TEST(s.there.received == "low ");  // of the high water that was told before
}

// What the hook has sent, and what nobody has read yet.
BOOST_AUTO_TEST_CASE_TEMPLATE(move_in_their_own_hook, Place, places) {
  scene<Place> s;
  detached_channel moved;
  s.channel.on_data = [&](session<Place>& self) {
    self.send("first ");
    moved = asyncore::detach(self);
  };
  test::put(s.pair.far, "hello");
  s.one.poll(1s);
  BOOST_TEST(s.here.destroyed == 1);
  BOOST_TEST(s.here.received == "hello");
  BOOST_TEST(moved.queued() == 6u);
  test::put(s.pair.far, "unread");
  s.settle(std::move(moved)).send("second");
  s.other.poll(1s);
  BOOST_TEST(s.there.received == "unread");
  BOOST_TEST(test::take(s.pair.far) == "first second");
  s.pair.far.reset();
  s.other.run();
  BOOST_TEST(s.there.closes == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(keep_their_deadline, Place, places) {
  scene<Place> s;
  s.channel.set_deadline(10s);
  clock::time += 4s;
  detached_channel moved = asyncore::detach(s.channel);
  BOOST_TEST((moved.deadline_time() == s.other.now() + 6s));
  auto& arrived = s.settle(std::move(moved));
  BOOST_TEST(arrived.has_deadline());
  s.other.run({.timeout = {}, .count = 1});
  BOOST_TEST((clock::passed() == 10s));
  BOOST_TEST(s.there.received == "timeout ");
  BOOST_TEST(s.here.received == "");
  // One that passes on the way means the next turn; without one there is none.
  arrived.set_deadline(1s);
  moved = asyncore::detach(arrived);
  clock::time += 2s;
  auto& late = s.settle(std::move(moved));
  s.other.poll();
  BOOST_TEST(s.there.received == "timeout timeout ");
  moved = asyncore::detach(late);
  BOOST_TEST((moved.deadline_time() == asyncore::never));
  BOOST_TEST(!s.settle(std::move(moved)).has_deadline());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stay_paused, Place, places) {
  scene<Place> s;
  s.channel.pause_reading();
  test::put(s.pair.far, "x");
  auto& arrived = s.settle(asyncore::detach(s.channel));
  s.other.poll();
  BOOST_TEST(arrived.reading_paused());
  BOOST_TEST(s.there.received == "");
  arrived.resume_reading();
  s.other.poll(1s);
  BOOST_TEST(s.there.received == "x");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(may_change_their_class, Place, places) {
  scene<Place> s;
  s.channel.set_deadline(10s);  // dropped
  auto& arrived = s.template settle<plain<Place>>(asyncore::detach(s.channel));
  test::put(s.pair.far, "x");
  s.other.poll(1s);
  BOOST_TEST(s.there.received == "x");
  auto& back = s.settle(asyncore::detach(arrived));
  back.send("y");
  back.pause_reading();
  detached_channel moved = asyncore::detach(back);
  BOOST_TEST(moved.queued() == 0u);  // it was sent at once
  s.other.poll();
  // Output for a class without an out-queue.
  auto& again = s.settle(std::move(moved));
  s.other.call_later(0s, [&] {
    again.send("z");
    moved = asyncore::detach(again);
  });
  s.other.poll(1s);
  BOOST_TEST(moved.queued() == 1u);
  const auto refused = [](const std::system_error& e) {
    return e.code() == std::errc::invalid_argument;
  };
  BOOST_CHECK_EXCEPTION(s.template settle<plain<Place>>(std::move(moved)), std::system_error,
                        refused);
  BOOST_TEST(test::take(s.pair.far) == "y");
  BOOST_TEST(test::at_end(s.pair.far));
  BOOST_CHECK_EXCEPTION(s.settle({}), std::system_error, refused);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(only_connections_can_be_moved, Place, places) {
  const auto refused = [](const std::system_error& e) {
    return e.code() == std::errc::not_connected;
  };
  scene<Place> s;
  session<Place> none(s.one, s.here);
  BOOST_CHECK_EXCEPTION(asyncore::detach(none), std::system_error, refused);
  none.create_socket();
  none.bind(test::endpoint::parse("127.0.0.1:0"));
  none.listen();
  BOOST_CHECK_EXCEPTION(asyncore::detach(none), std::system_error, refused);
  BOOST_TEST(none.accepting());
  s.channel.close_when_done();
  BOOST_CHECK_EXCEPTION(asyncore::detach(s.channel), std::system_error, refused);
  s.pair.far.reset();
  none.close();
  s.one.run();
  BOOST_TEST(s.here.closes == 1);
}

// The loop that they are sent to is full.
BOOST_AUTO_TEST_CASE(are_closed_when_they_find_no_room) {
  struct tenant;
  using small_loop = asyncore::basic_loop<asyncore::poll_poller, asyncore::fixed_fd_table<1>>;
  struct tenant : asyncore::dispatcher<tenant, small_loop> {
    using dispatcher::dispatcher;
    void handle_data(std::span<const std::byte>) {}
  };
  small_loop here, there;
  test::ends pair = test::tcp_pair();
  const test::ends other = test::tcp_pair();
  tenant already(there, asyncore::socket(test::copy_of(other.near.get())));
  auto& moving = here.emplace<tenant>(asyncore::socket(std::move(pair.near)));
  asyncore::move_channel(moving, there);
  here.poll(0s);
  BOOST_TEST(here.empty());
  const std::string logged = test::stderr_of([&] { there.poll(0s); });
  BOOST_TEST(test::contains(logged, "set_socket"));
  BOOST_TEST(there.size() == 1u);
  BOOST_TEST(test::at_end(pair.far));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(are_closed_when_nobody_takes_them, Place, places) {
  scene<Place> s;
  s.channel.send(std::string(10'000'000, 'x'));
  { const detached_channel dropped = asyncore::detach(s.channel); }
  BOOST_TEST(test::at_end(s.pair.far));
  s.one.poll();
  BOOST_TEST(s.here.destroyed == 1);
}

/// Stays where it is when the other loop has ended.
template <class Place>
struct mover;
template <class Place>
using moving_loop = typename Place::template loop<mover<Place>>;
template <class Place>
struct mover : asyncore::dispatcher_with_send<mover<Place>, moving_loop<Place>> {
  mover(moving_loop<Place>& loop, asyncore::loop_group<moving_loop<Place>>* g)
      : mover::dispatcher_with_send(loop), group(g) {}
  void handle_data(std::span<const std::byte>) {
    try {
      asyncore::move_channel(*this, (*group)[1], group);
    } catch (const std::system_error& e) {
      this->send(e.code() == std::errc::operation_canceled ? "stays" : "?");
    }
  }
  asyncore::loop_group<moving_loop<Place>>* group;
};

using real_places = std::tuple<
#if ASYNCORE_HAS_EPOLL
    test::place<asyncore::epoll_poller, test::dense, true>,
#endif
    test::place<asyncore::poll_poller, test::hashed, false>,
    test::place<asyncore::select_poller, test::fixed, true>>;

BOOST_AUTO_TEST_CASE_TEMPLATE(are_refused_by_a_loop_that_has_ended, Place, real_places) {
  test::ends pair = test::tcp_pair();
  asyncore::loop_group<moving_loop<Place>> group({.threads = 2, .pinned = false});
  group[0].template emplace<mover<Place>>(&group).set_socket(
      asyncore::socket(std::move(pair.near)));
  group.start();
  group.finish();  // the loop that has no channel ends
  while (!asyncore::channel_access::core(group[1]).mail().is_closed()) std::this_thread::yield();
  for (int i = 0; i < 2; ++i) {
    test::put(pair.far, "x");
    test::wait_for(pair.far.get(), POLLIN);
    BOOST_TEST(test::take(pair.far) == "stays");
  }
  pair.far.reset();
  group.join();
}

// What is on its way to a loop that ends is closed at that end, not when the group is destroyed.
BOOST_AUTO_TEST_CASE_TEMPLATE(are_closed_when_the_loop_ends_before_they_arrive, Place, real_places) {
  test::ends pair = test::tcp_pair();
  asyncore::loop_group<moving_loop<Place>> group({.threads = 1, .pinned = false});
  auto& loop = group[0];
  auto& channel = loop.template emplace<mover<Place>>(&group);
  channel.set_socket(asyncore::socket(std::move(pair.near)));
  asyncore::move_channel(channel, loop, &group);
  group.stop();  // before the first turn
  group.start();
  test::wait_for(pair.far.get(), POLLIN);
  BOOST_TEST(test::at_end(pair.far));
  group.join();
  BOOST_TEST(group.ended(0));
}

// From thread to thread after each message, with something unsent each time.
struct wanderer;
using wandering_loop = asyncore::basic_loop<asyncore::default_poller,
                                            asyncore::fd_table<wanderer>>;
using wandering_group = asyncore::loop_group<wandering_loop>;
struct wanderer : asyncore::dispatcher_with_send<wanderer, wandering_loop>,
                  asyncore::deadline<wanderer, wandering_loop> {
  wanderer(wandering_loop& loop, wandering_group* g, int n)
      : dispatcher_with_send(loop), group(g), next(n) {}
  void handle_data(std::span<const std::byte> data) {
    send(data);
    set_deadline(1h);
    const auto to = static_cast<std::size_t>(next++) % group->size();
    asyncore::move_channel(*this, (*group)[to], group, next);
  }
  void handle_timeout() { abort(); }
  wandering_group* group;
  int next;
};

BOOST_AUTO_TEST_CASE(move_between_threads) {
  const std::string text = numbers(20'000);
  test::ends pair = test::tcp_pair();
  wandering_group group({.threads = 3, .pinned = false});
  group[0].emplace<wanderer>(&group, 1).set_socket(asyncore::socket(std::move(pair.near)));
  group.start();
  std::size_t sent = 0;
  const std::string all = received(pair.far, text.size(), [&] {
    const ssize_t n = ::write(pair.far.get(), text.data() + sent,
                              std::min<std::size_t>(text.size() - sent, 499));
    if (n > 0) sent += static_cast<std::size_t>(n);
    test::wait_for(pair.far.get(), POLLIN);
  });
  BOOST_TEST((all == text));
  pair.far.reset();
  group.finish();
  group.join();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// Timers that end with their channel, in virtual time.
#include <asyncore.hpp>
#include <asyncore/detached_channel.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/standard_error.hpp"
#include "../support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;

template <class Place>
struct session;
template <class Place>
using loop_of = typename test::timeless<Place>::template loop<session<Place>>;

template <class Place>
struct session : asyncore::dispatcher_with_send<session<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<session<Place>, loop_of<Place>>;
  session(loop_of<Place>& loop, test::outcome& result, asyncore::socket peer)
      : base(loop, std::move(peer)), got(result) {}
  session(loop_of<Place>& loop, test::outcome& result) : base(loop), got(result) {}
  ~session() { ++got.destroyed; }
  void handle_data(std::span<const std::byte> data) { got.received += asyncore::as_text(data); }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  void handle_error() {
    got.catch_current();
    this->close();
  }
  /// A function that notes its name and when it was called.
  std::function<void()> noting(const char* name) {
    return [this, name] { got.received += name + std::to_string(clock::passed() / 1s) + " "; };
  }
  test::outcome& got;
};

template <class Place>
struct scene {
  scene() { clock::reset(); }
  test::outcome got;
  test::ends pair = test::socket_pair();
  loop_of<Place> loop;
  session<Place>& channel =
      loop.template emplace<session<Place>>(got, asyncore::socket(std::move(pair.near)));

  /// Lets an hour pass, in turns.
  void wait() { loop.run({.timeout = 10min, .count = 6}); }
};

BOOST_FIXTURE_TEST_SUITE(bound_timers, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(are_called_while_the_channel_lives, Place, test::matrix) {
  scene<Place> s;
  auto& channel = s.channel;
  channel.call_later(3s, channel.noting("c"));
  channel.call_later(1s, [](session<Place>& self) { self.noting("a")(); });
  channel.call_at(clock::start + 2s, channel.noting("b"));
  auto every = channel.call_every(4s, [](session<Place>& self) { self.noting("e")(); });
  channel.post(channel.noting("p"));
  BOOST_TEST(s.got.received == "");  // not from inside
  BOOST_TEST(channel.has_timers());
  while (clock::passed() < 9s) s.loop.poll(1s);
  BOOST_TEST(s.got.received == "p0 a1 b2 c3 e4 e8 ");
  BOOST_TEST(every.pending());
  BOOST_TEST(every.cancel());
  BOOST_TEST(!channel.has_timers());
  s.wait();
  BOOST_TEST(s.got.received == "p0 a1 b2 c3 e4 e8 ");
}

// By the peer's end, too; and `run` does not wait for what will not be called.
BOOST_AUTO_TEST_CASE_TEMPLATE(end_with_the_channel, Place, test::matrix) {
  scene<Place> s;
  const auto owned = std::make_shared<int>();
  auto timer = s.channel.call_later(1h, [owned, &s] { s.got.received += "late "; });
  auto every = s.channel.call_every(1h, [owned, &s] { s.got.received += "late "; });
  s.channel.post([owned, &s] { s.got.received += "posted "; });
  s.loop.poll();
  BOOST_TEST(owned.use_count() == 3);
  s.pair.far.reset();
  s.loop.run();
  BOOST_TEST(s.got.closes == 1);
  BOOST_TEST(s.got.received == "posted ");
  BOOST_TEST(owned.use_count() == 1);  // at once, not at its time
  BOOST_CHECK(clock::passed() < 1h);
  BOOST_TEST(!timer.pending());
  BOOST_TEST(!timer.cancel());
  BOOST_TEST(!every.cancel());
}

// One that is due in the turn in which the channel closes is not called.
BOOST_AUTO_TEST_CASE_TEMPLATE(of_one_turn, Place, test::matrix) {
  scene<Place> s;
  test::ends other = test::socket_pair();
  auto& second = s.loop.template emplace<session<Place>>(s.got,
                                                        asyncore::socket(std::move(other.near)));
  s.channel.call_later(1s, s.channel.noting("a"));
  s.channel.call_later(1s, [&] {
    s.channel.close();
    second.close();
  });
  s.channel.call_later(1s, s.channel.noting("b"));
  second.call_later(1s, second.noting("c"));
  s.loop.call_later(2s, [&] { s.got.received += "."; });
  s.loop.run();
  BOOST_TEST(s.got.received == "a1 .");
  BOOST_TEST(s.got.destroyed == 2);
}

// In its own function: the channel, its owner or all of them.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_function_may_end_the_channel, Place, test::matrix) {
  scene<Place> s;
  const auto owned = std::make_shared<int>();
  std::optional<session<Place>> own(std::in_place, s.loop, s.got);
  test::ends other = test::socket_pair();
  own->set_socket(asyncore::socket(std::move(other.near)));
  auto every = own->call_every(1s, [&, owned] {
    own.reset();
    s.got.received += "gone" + std::to_string(owned.use_count());
  });
  s.loop.poll(10s);
  BOOST_TEST(s.got.received == "gone2");  // the function lives while it runs
  BOOST_TEST(owned.use_count() == 1);
  BOOST_TEST(!every.pending());
  s.channel.call_every(1s, [&] {
    s.channel.call_later(0s, [&] { s.got.received += "never"; });
    s.channel.close();
    s.channel.call_later(0s, [&] { s.got.received += "never"; });
  });
  s.channel.call_later(1s, [&] { s.got.received += "never"; });
  s.loop.run();
  BOOST_TEST(s.got.received == "gone2");
  BOOST_TEST(s.loop.empty());
}

// What a function captured may cancel and add others when it is destroyed.
BOOST_AUTO_TEST_CASE_TEMPLATE(functions_may_act_when_they_are_destroyed, Place, test::matrix) {
  scene<Place> s;
  struct at_end {
    explicit at_end(std::function<void()> f) : act(std::move(f)) {}
    at_end(at_end&& other) noexcept : act(std::exchange(other.act, nullptr)) {}
    ~at_end() {
      if (act) act();
    }
    std::function<void()> act;
  };
  using timer = asyncore::timer<loop_of<Place>>;
  std::vector<timer> all;
  for (int i = 0; i < 10; ++i)
    all.push_back(s.channel.call_later(1h, [end = at_end([&] {
                                              for (timer& t : all) t.cancel();
                                            })] {}));
  test::outcome late;
  session<Place> waiting(s.loop, late);
  for (int i = 0; i < 10; ++i)
    s.channel.call_later(1h, [end = at_end([&] {
                                waiting.call_later(1s, waiting.noting("x"));
                              })] {});
  s.channel.close();
  for (timer& t : all) BOOST_TEST(!t.pending());
  s.loop.run();
  BOOST_TEST(late.received == "x1 x1 x1 x1 x1 x1 x1 x1 x1 x1 ");
}

// A client that connects again: its timer lasts while the object does.
BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_channel_that_is_closed, Place, test::matrix) {
  scene<Place> s;
  test::outcome got;
  std::optional<session<Place>> client(std::in_place, s.loop, got);
  client->call_later(1s, client->noting("before"));  // it has never been open
  client->close();
  client->call_later(2s, [&] {
    client->noting("again")();
    test::ends other = test::socket_pair();
    client->set_socket(asyncore::socket(std::move(other.near)));
    client->call_later(1s, [] { throw std::runtime_error("no"); });
  });
  s.channel.close();
  s.loop.run();
  BOOST_TEST(got.received == "again2 ");
  BOOST_TEST(got.errors == 0);  // the other end has closed before
  BOOST_TEST(got.closes == 1);
  client->call_later(1s, client->noting("x"));
  client.reset();
  s.loop.run();
  BOOST_TEST(got.received == "again2 ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stay_when_the_channel_leaves_its_loop, Place, test::matrix) {
  scene<Place> s;
  s.channel.call_later(2s, s.channel.noting("a"));
  s.channel.del_channel();
  s.loop.poll(1s);
  s.channel.add_channel();
  s.loop.poll(1s);
  BOOST_TEST(s.got.received == "a2 ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(end_when_it_is_detached, Place, test::matrix) {
  scene<Place> s;
  s.channel.call_later(1s, s.channel.noting("a"));
  const asyncore::detached_channel moved = asyncore::detach(s.channel);
  s.loop.run();
  BOOST_TEST(s.got.received == "");
  BOOST_CHECK(clock::passed() == 0s);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_they_throw_reaches_handle_error, Place, test::matrix) {
  scene<Place> s;
  s.channel.call_later(1s, [] { throw std::runtime_error("out of paper"); });
  s.channel.call_later(1h, s.channel.noting("x"));
  s.loop.run();
  BOOST_TEST(s.got.errors == 1);
  BOOST_TEST(s.got.what == "out of paper");
  BOOST_TEST(s.got.received == "");
  // Without a descriptor it has no hooks.
  test::outcome got;
  session<Place> closed(s.loop, got);
  closed.call_later(1s, [] { throw std::runtime_error("out of ink"); });
  const std::string text = test::stderr_of([&] { s.loop.run(); });
  BOOST_TEST(test::contains(text, "uncaught exception from a timer: out of ink"), text);
  BOOST_TEST(got.errors == 0);
  // Nor does exit_now reach it.
  closed.call_later(1s, [] { throw asyncore::exit_now(); });
  BOOST_CHECK_THROW(s.loop.run(), asyncore::exit_now);
}

// Before, with, and after the loop.
BOOST_AUTO_TEST_CASE_TEMPLATE(end_with_the_loop, Place, test::matrix) {
  const auto owned = std::make_shared<int>();
  test::outcome got;
  std::optional<scene<Place>> s(std::in_place);
  const auto late = [owned, &got] { got.received += "late"; };
  for (int i = 0; i < 100; ++i) s->channel.call_later(1h, late);
  session<Place> outlives(s->loop, got);
  outlives.call_later(1h, late);
  test::ends other = test::socket_pair();
  session<Place> open(s->loop, got, asyncore::socket(std::move(other.near)));
  open.call_every(1h, late);
  BOOST_TEST(owned.use_count() == 104);
  s.reset();
  BOOST_TEST(owned.use_count() == 2);  // `late`
  BOOST_TEST(!outlives.has_timers());
  BOOST_TEST(!open.has_timers());
  BOOST_TEST(got.received == "");
}

// Many channels, each with several: the table grows, and each loses its own only.
BOOST_AUTO_TEST_CASE_TEMPLATE(of_many_channels, Place, test::matrix) {
  scene<Place> s;
  constexpr std::size_t count = 200;
  std::vector<test::outcome> got(count);
  std::vector<std::unique_ptr<session<Place>>> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(std::make_unique<session<Place>>(s.loop, got[i]));
    for (int n = 0; n < 3; ++n) all[i]->call_later(1s, all[i]->noting("x"));
  }
  for (std::size_t i = 0; i < count; i += 2) all[i].reset();
  s.channel.close();
  s.loop.run();
  for (std::size_t i = 0; i < count; ++i)
    BOOST_TEST(got[i].received == (i % 2 == 0 ? "" : "x1 x1 x1 "));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_drain_does_not_wait_for_them, Place, test::matrix) {
  scene<Place> s;
  s.channel.call_every(1s, s.channel.noting("x"));
  s.channel.send("the last");
  s.loop.drain(1h);
  s.loop.run({.timeout = 1s, .count = 3});
  BOOST_TEST(test::take(s.pair.far) == "the last");
  s.pair.far.reset();
  s.loop.run();
  BOOST_TEST(s.loop.empty());
  BOOST_CHECK(clock::passed() < 1h);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// What an observer is told, in virtual time.
#include <asyncore/poller/observed.hpp>

#include <asyncore.hpp>
#include <asyncore/prometheus.hpp>
#include <asyncore/sim.hpp>
#include <asyncore/statistics.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/standard_error.hpp"
#include "../support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;

/// Writes down what it is told of hooks, in milliseconds.
struct diary : asyncore::loop_statistics {
  void hook(std::string_view channel, std::string_view name,
            std::chrono::nanoseconds took) noexcept {
    loop_statistics::hook(channel, name, took);
    if (!channel.empty()) said += channel.find("server") != channel.npos ? "server:" : "session:";
    said += std::string(name) + "=" + std::to_string(took / 1ms) + " ";
  }
  std::string said;
};

template <class Place, class Observer = diary>
using observed_place =
    test::place<asyncore::observed<test::virtual_time_poller<typename Place::poller>, Observer>,
                typename Place::map_kind, Place::closed>;

template <class Place>
struct session;
template <class Place>
struct server;
template <class Place>
using loop_of = typename Place::template loop<session<Place>, server<Place>>;

/// Each hook takes a time of its own.
template <class Place>
struct session : asyncore::dispatcher_with_send<session<Place>, loop_of<Place>>,
                 asyncore::deadline<session<Place>, loop_of<Place>> {
  using session::dispatcher_with_send::dispatcher_with_send;
  void handle_connect() { clock::time += 1ms; }
  void handle_data(std::span<const std::byte> data) {
    clock::time += 2ms;
    this->send(data);
    if (asyncore::as_text(data) == "throw") throw std::runtime_error("thrown");
  }
  void handle_close() {
    clock::time += 5ms;
    this->close();
  }
  void handle_error() {
    clock::time += 3ms;
    this->close();
  }
  void handle_timeout() { clock::time += 7ms; }
};
template <class Place>
struct server : asyncore::dispatcher<server<Place>, loop_of<Place>> {
  using server::dispatcher::dispatcher;
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    clock::time += 4ms;
    this->loop().template emplace<session<Place>>(std::move(peer));
  }
};

using places = std::tuple<
#if ASYNCORE_HAS_EPOLL
    observed_place<test::place<asyncore::epoll_poller, test::dense, true>>,
#endif
    observed_place<test::place<asyncore::poll_poller, test::hashed, false>>>;

template <class Place>
struct scene {
  scene() { clock::reset(); }
  /// What was said since the last question.
  std::string said() { return std::exchange(loop.observer().said, {}); }
  test::ends pair = test::socket_pair();
  loop_of<Place> loop;
  session<Place>& channel =
      loop.template emplace<session<Place>>(asyncore::socket(std::move(pair.near)));
};

BOOST_AUTO_TEST_SUITE(observed)

BOOST_AUTO_TEST_CASE_TEMPLATE(hears_of_each_hook, Place, places) {
  scene<Place> s;
  test::put(s.pair.far, "hello");
  s.loop.poll();
  BOOST_TEST(s.said() == "session:handle_data=2 ");
  s.channel.set_deadline(1s);
  s.loop.call_later(2s, [] { clock::time += 11ms; });
  s.loop.run({.timeout = {}, .count = 2});
  BOOST_TEST(s.said() == "session:handle_timeout=7 a timer=11 ");
  s.loop.post([] { clock::time += 12ms; });
  s.loop.poll();
  BOOST_TEST(s.said() == "a posted function=12 ");
  // A hook inside of another, without what it took.
  s.pair.far.reset();
  s.loop.poll();
  BOOST_TEST(s.said() == "session:handle_close=5 session:handle_data=0 ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(hears_of_what_throws, Place, places) {
  scene<Place> s;
  test::put(s.pair.far, "throw");
  s.loop.poll();
  BOOST_TEST(s.said() == "session:handle_data=2 session:handle_error=3 ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(hears_of_servers_and_clients, Place, places) {
  clock::reset();
  loop_of<Place> loop;
  auto& listener = loop.template emplace<server<Place>>();
  listener.create_socket();
  listener.bind(test::endpoint::parse("127.0.0.1:0"));
  listener.listen();
  auto& client = loop.template emplace<session<Place>>();
  client.create_socket();
  client.connect(listener.local_addr());
  for (int left = 1000; (loop.size() < 3 || !client.connected()) && left > 0; --left)
    loop.poll(1s);
  const std::string& said = loop.observer().said;
  BOOST_TEST(test::contains(said, "server:handle_accepted=4 "), said);
  BOOST_TEST(test::contains(said, "session:handle_connect=1 "), said);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(counts, Place, places) {
  scene<Place> s;
  diary& seen = s.loop.observer();
  for (int i = 0; i < 10; ++i) {
    test::put(s.pair.far, "12345");
    s.loop.poll();
  }
  s.loop.poll(1s);  // nothing is ready
  BOOST_TEST(seen.events() == 10u);
  BOOST_TEST(seen.turns() == 10u);  // the last is not over
  BOOST_TEST(seen.bytes_received() == 50u);
  BOOST_TEST(seen.bytes_sent() == 50u);
  BOOST_TEST(seen.hooks().count() == 10u);
  BOOST_TEST((seen.hooks().sum() == 20ms));
  BOOST_TEST((seen.hooks().max() == 2ms));
  BOOST_TEST((seen.lag().sum() == 20ms));
  // The time of a wait is no lag, that of a timer is.
  s.loop.call_later(10s, [] { clock::time += 40ms; });
  s.loop.run({.timeout = {}, .count = 1});
  s.loop.poll();
  BOOST_TEST((seen.lag().max() == 40ms));
  // Several pieces go by another call.
  s.channel.send(std::string(10'000, 'x'));
  BOOST_TEST(s.channel.queued() == 0u);
  BOOST_TEST(seen.bytes_sent() == 10'050u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(names_slow_hooks, Place, places) {
  scene<Place> s;
  s.loop.observer().set_slow_after(2ms);
  const std::string text = test::stderr_of([&] {
    for (int i = 0; i < 2; ++i) {
      test::put(s.pair.far, "x");
      s.loop.poll();
    }
    s.loop.call_later(0s, [] { clock::time += 3ms; });
    s.loop.poll();
    s.loop.call_later(0s, [] { clock::time += 1ms; });
    s.loop.poll();
  });
  const std::string type(asyncore::type_name<session<Place>>());
  BOOST_TEST(text == "slow hook: handle_data of " + type + " took 2.000 ms\n" +
                         "slow hook: handle_data of " + type + " took 2.000 ms\n" +
                         "slow hook: a timer took 3.000 ms\n");
  std::string found;
  s.loop.observer().for_each_slow([&](const asyncore::loop_statistics::slow_hook& slow) {
    found += std::string(slow.channel) + " " + std::string(slow.name) + " " +
             std::to_string(slow.count) + " " + std::to_string(slow.longest / 1ms) + ";";
  });
  BOOST_TEST(found == type + " handle_data 2 2; a timer 1 3;");
}

BOOST_AUTO_TEST_CASE(slow_hooks_beyond_the_table_count_as_one) {
  asyncore::loop_statistics all;
  all.set_slow_after(1ns);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < all.most_slow + 10; ++i) names.push_back("n" + std::to_string(i));
  test::stderr_of([&] {
    for (int round = 0; round < 2; ++round)
      for (const std::string& name : names) all.hook("c", name, 1ns);
  });
  std::size_t entries = 0;
  std::uint64_t last = 0;
  all.for_each_slow([&](const asyncore::loop_statistics::slow_hook& slow) {
    ++entries;
    last = slow.count;
    BOOST_TEST(slow.name.empty() == (entries > all.most_slow));
  });
  BOOST_TEST(entries == all.most_slow + 1);
  BOOST_TEST(last == 20u);
}

// Of an observer's members, those that it has; and one without any changes nothing.
struct nobody {};
struct turn_counter {
  void turn(std::chrono::nanoseconds) noexcept { ++turns; }
  int turns = 0;
};
using unobserved_poller = asyncore::observed<asyncore::poll_poller, nobody>;
static_assert(sizeof(unobserved_poller) == sizeof(asyncore::poll_poller));
static_assert(std::is_same_v<unobserved_poller::system, asyncore::posix_system>);
static_assert(asyncore::poller<unobserved_poller>);

BOOST_AUTO_TEST_CASE(may_hear_of_turns_alone) {
  asyncore::basic_loop<asyncore::observed<asyncore::poll_poller, turn_counter>,
                       asyncore::fd_table<>>
      loop;
  loop.call_later(0s, [] {});
  loop.call_later(0s, [&] { loop.call_later(0s, [] {}); });
  loop.run();
  BOOST_TEST(loop.observer().turns == 1);
}

// A system with state: bytes, and its time.
BOOST_AUTO_TEST_CASE(hears_of_a_simulated_kernel) {
  using sim_place = test::place<asyncore::observed<asyncore::sim_epoll_poller, diary>,
                                test::dense, true>;
  asyncore::sim_kernel kernel(1);
  loop_of<sim_place> loop(kernel);
  auto& listener = loop.emplace<server<sim_place>>();
  listener.create_socket();
  listener.bind(test::endpoint::parse("10.0.0.1:80"));
  listener.listen();
  asyncore::sim_peer client(kernel);
  client.connect(test::endpoint::parse("10.0.0.1:80"));
  client.send("hello");
  loop.run({.timeout = 1s, .count = 20});
  BOOST_TEST(client.received() == "hello");
  BOOST_TEST(loop.observer().bytes_received() == 5u);
  BOOST_TEST(loop.observer().bytes_sent() == 5u);
  BOOST_TEST(test::contains(loop.observer().said, "server:handle_accepted=0 "));
  BOOST_TEST(kernel.violations().count() == 0u);
}

BOOST_AUTO_TEST_CASE(prometheus_reads) {
  asyncore::loop_statistics one, other;
  one.set_slow_after(1s);
  one.turn(3us);
  one.received(7);
  test::stderr_of([&] { one.hook("a\"b\\c\nd", "handle_data", 2s); });
  other.hook("", "a timer", 900ns);
  const asyncore::loop_statistics* const both[] = {&one, &other};
  std::string text;
  asyncore::append_prometheus(text, both);
  for (const char* line :
       {"# TYPE asyncore_hook_seconds histogram\n", "asyncore_turns_total{loop=\"0\"} 1\n",
        "asyncore_received_bytes_total{loop=\"0\"} 7\n",
        "asyncore_hook_seconds_bucket{loop=\"1\",le=\"0.000001023\"} 1\n",
        "asyncore_hook_seconds_bucket{loop=\"0\",le=\"1.073741823\"} 0\n",
        "asyncore_hook_seconds_bucket{loop=\"0\",le=\"4.294967295\"} 1\n",
        "asyncore_hook_seconds_sum{loop=\"0\"} 2.000000000\n",
        "asyncore_lag_quantile_seconds{loop=\"0\",quantile=\"1\"} 0.000003000\n",
        "asyncore_slow_hooks_total{loop=\"0\",channel=\"a\\\"b\\\\c\\nd\","
        "hook=\"handle_data\"} 1\n"})
    BOOST_TEST(test::contains(text, line), line << " is not in " << text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

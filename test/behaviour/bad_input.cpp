// SPDX-License-Identifier: BSL-1.0
// What goes wrong outside of the program gets a clear error or hook, and disturbs nobody else.
#include <asyncore.hpp>

#include "../support/child.hpp"
#include "../support/descriptor_limit.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <sched.h>
#include <vector>

namespace {

using asyncore::endpoint;
using test::contains;
using test::outcome;

template <class Place>
struct server;
template <class Place>
struct echo;
template <class Place>
struct client;
template <class Place>
using loop_of = typename Place::template loop<server<Place>, echo<Place>, client<Place>>;

template <class Place>
struct echo : asyncore::dispatcher_with_send<echo<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<echo<Place>, loop_of<Place>>;
  using base::base;
  void handle_data(std::span<const std::byte> data) { this->send(data); }
};

template <class Place>
struct server : asyncore::dispatcher<server<Place>, loop_of<Place>> {
  server(loop_of<Place>& loop, outcome& result)
      : asyncore::dispatcher<server<Place>, loop_of<Place>>(loop), got(result) {
    this->create_socket();
    this->bind(endpoint::parse("127.0.0.1:0"));
    this->listen();
  }
  void handle_accepted(asyncore::socket peer, endpoint) {
    ++got.connects;
    this->loop().template emplace<echo<Place>>(std::move(peer));
  }
  void log(std::string_view message) { got.logged += std::string(message) + "\n"; }
  static constexpr std::string_view ignore_log_types[] = {"none"};
  outcome& got;
};

/// Has the handle_error and the handle_close of `dispatcher`, but counts.
template <class Place>
struct client : asyncore::dispatcher<client<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher<client<Place>, loop_of<Place>>;
  client(loop_of<Place>& loop, outcome& result) : base(loop), got(result) {}
  client(loop_of<Place>& loop, test::unique_fd fd, outcome& result)
      : base(loop, asyncore::socket(std::move(fd))), got(result) {}
  void handle_connect() { ++got.connects; }
  void handle_data(std::span<const std::byte> data) { got.received += asyncore::as_text(data); }
  void handle_close() {
    ++got.closes;
    base::handle_close();
  }
  void handle_error() {
    got.catch_current();
    base::handle_error();
  }
  void log(std::string_view message) { got.logged += std::string(message) + "\n"; }
  outcome& got;
};

/// An address of the loopback where nobody listens.
endpoint nobody() { return test::name_of(test::tcp_listener(-1).get()); }

void not_permitted(const char* what) {
  BOOST_TEST_MESSAGE("not tested: no permission for " << what);
}

BOOST_AUTO_TEST_SUITE(bad_input)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_refused_connect_reaches_handle_error, Place, test::matrix) {
  loop_of<Place> loop;
  outcome at_server, got;
  server<Place> listener(loop, at_server);
  const test::unique_fd neighbour = test::connected_to(listener.local_addr());
  const endpoint where = nobody();
  auto& channel = loop.template emplace<client<Place>>(got);
  channel.create_socket();
  channel.connect(where);
  BOOST_TEST(got.errors == 0);  // never from inside
  BOOST_REQUIRE(test::turn_until(loop, [&] { return got.errors == 1; }));
  BOOST_TEST((got.code == std::errc::connection_refused));
  BOOST_TEST(contains(got.what, "connect " + where.to_string()), got.what);
  BOOST_TEST(got.closes == 1);  // by the default
  BOOST_TEST(got.connects == 0);
  BOOST_TEST(contains(got.logged, "connect " + where.to_string()), got.logged);
  BOOST_TEST(test::echoes(loop, neighbour));
  BOOST_TEST(loop.size() == 2u);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE(an_unreachable_network_is_thrown_by_connect) {
  using place = test::place<asyncore::default_poller, test::dense, false>;
  constexpr int refused = 77;
  const test::child_end end = test::in_child([] {
    // A network without a way to anywhere; an ordinary user needs a user namespace for it.
    if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
      return refused;
    loop_of<place> loop;
    outcome got, other;
    test::ends pair = test::socket_pair();
    client<place> channel(loop, got), neighbour(loop, std::move(pair.near), other);
    channel.create_socket();
    const endpoint where = endpoint::parse("192.0.2.1:80");  // TEST-NET-1, RFC 5737
    try {
      channel.connect(where);
      return 1;
    } catch (const std::system_error& e) {
      if (e.code() != std::errc::network_unreachable) return 2;
      if (!contains(e.what(), "connect 192.0.2.1:80")) return 3;
    }
    std::error_code failed;
    channel.connect(where, failed);
    if (failed != std::errc::network_unreachable) return 4;
    test::put(pair.far, "x");
    test::turn(loop, 2);
    return other.received == "x" && got.closes == 0 ? 0 : 5;
  });
  if (end.status == refused) return not_permitted("a network namespace");
  BOOST_TEST(end.status == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_reset_before_the_accept_harms_nobody, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  server<Place> listener(loop, got);
  const test::unique_fd before = test::connected_to(listener.local_addr());
  for (int i = 0; i < 3; ++i) {
    test::unique_fd gone = test::connected_to(listener.local_addr());
    test::put(gone, "never read");
    test::reset(gone);
  }
  const test::unique_fd after = test::connected_to(listener.local_addr());
  BOOST_TEST(test::echoes(loop, before));
  BOOST_TEST(test::echoes(loop, after));
  BOOST_TEST(test::turn_until(loop, [&] { return loop.size() == 3; }));
  BOOST_TEST(listener.accepting());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_connection_that_the_map_has_no_room_for, Place, test::matrix) {
  if (!std::is_same_v<typename Place::map_kind, test::fixed>) return;  // the others grow
  constexpr std::size_t places = test::fixed::room - 1;                // one is the listener's
  loop_of<Place> loop;
  outcome got;
  server<Place> listener(loop, got);
  std::deque<test::unique_fd> clients;
  for (std::size_t i = 0; i < places + 20; ++i)
    clients.push_back(test::connected_to(listener.local_addr()));
  for (std::size_t i = places; i < clients.size(); ++i)
    BOOST_REQUIRE(test::turn_until(loop, [&] {
      char byte;
      const ssize_t n = ::read(clients[i].get(), &byte, 1);
      return n == 0 || (n < 0 && errno == ECONNRESET);
    }));
  BOOST_TEST(loop.size() == test::fixed::room);
  BOOST_TEST(contains(got.logged, "refused"), got.logged);
  BOOST_TEST(contains(got.logged, "accept: connection from 127.0.0.1:"), got.logged);
  BOOST_TEST(test::echoes(loop, clients[0]));
  BOOST_TEST(test::echoes(loop, clients[places - 1]));
  clients.pop_front();  // then there is room again
  BOOST_TEST(test::turn_until(loop, [&] { return loop.size() == places; }));
  clients.push_back(test::connected_to(listener.local_addr()));
  BOOST_TEST(test::echoes(loop, clients.back()));
}

// Established connections are served and the CPU does not spin; then there is a descriptor again.
BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE_TEMPLATE(no_descriptor_is_left_for_accept, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  server<Place> listener(loop, got);
  test::unique_fd first = test::connected_to(listener.local_addr());
  BOOST_TEST(test::echoes(loop, first));
  const test::unique_fd second = test::connected_to(listener.local_addr());
  {
    const int lowest = test::checked(::dup(first.get())).get();
    const test::descriptor_limit limit(lowest);
    BOOST_REQUIRE(limit);
    for (int i = 0; i < 5; ++i) BOOST_TEST(test::echoes(loop, first));
    BOOST_TEST(got.connects == 1);
    BOOST_TEST(contains(got.logged, "accepting pauses"), got.logged);
    test::put(second, "hello");
    first.reset();  // this frees one
    BOOST_TEST(test::turn_until(loop, [&] { return got.connects == 2; }));
  }
  std::string answer;
  BOOST_TEST(test::turn_until(loop, [&] { return (answer += test::take(second)) == "hello"; }));
}

// With real numbers, so that a write beyond the fd_sets would be one.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_descriptor_beyond_fd_setsize, Place, test::matrix) {
  constexpr bool refuses = std::is_same_v<typename Place::poller, asyncore::select_poller>;
  const test::descriptor_limit limit(2000);
  if (!limit) return not_permitted("descriptors beyond FD_SETSIZE");
  loop_of<Place> loop;
  outcome got, other;
  test::ends good = test::socket_pair(), high = test::socket_pair();
  client<Place> neighbour(loop, std::move(good.near), other);
  client<Place> channel(loop, got);
  const auto enter = [&] {
    channel.set_socket(asyncore::socket(test::moved_to(1500, std::move(high.near))));
  };
  if (refuses) {
    BOOST_CHECK_EXCEPTION(enter(), std::system_error, [](auto& e) {
      return e.code() == std::errc::value_too_large && contains(e.what(), "set_socket: fd 1500");
    });
    BOOST_TEST(!channel.registered());
    BOOST_TEST(channel.native_handle() == -1);
    BOOST_TEST(test::at_end(high.far));  // what it was given is closed
  } else {
    enter();
    test::put(high.far, "high");
    test::turn(loop);
    BOOST_TEST(got.received == "high");
  }
  test::put(good.far, "good");
  test::turn(loop, 2);
  BOOST_TEST(other.received == "good");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_accept_beyond_fd_setsize, Place, test::matrix) {
  constexpr bool refuses = std::is_same_v<typename Place::poller, asyncore::select_poller>;
  const test::descriptor_limit limit(2000);
  if (!limit) return not_permitted("descriptors beyond FD_SETSIZE");
  loop_of<Place> loop;
  outcome got;
  server<Place> listener(loop, got);
  const test::unique_fd before = test::connected_to(listener.local_addr());
  BOOST_TEST(test::echoes(loop, before));
  const test::unique_fd late = test::connected_to(listener.local_addr());
  {
    std::vector<test::unique_fd> taken;  // every number below FD_SETSIZE
    while (taken.empty() || taken.back().get() < FD_SETSIZE - 1)
      taken.push_back(test::checked(::dup(late.get())));
    if (refuses) {
      BOOST_TEST(test::turn_until(loop, [&] { return !got.logged.empty(); }));
      BOOST_TEST(contains(got.logged, "refused, fd 1024: "), got.logged);
      BOOST_TEST(got.connects == 1);
    } else {
      BOOST_TEST(test::turn_until(loop, [&] { return got.connects == 2; }));
    }
    BOOST_TEST(test::echoes(loop, before));
  }
  if (refuses) BOOST_TEST(test::at_end(late));
  const test::unique_fd after = test::connected_to(listener.local_addr());
  BOOST_TEST(test::echoes(loop, after));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_port_in_use_harms_nobody, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  server<Place> listener(loop, got);
  const test::unique_fd peer = test::connected_to(listener.local_addr());
  client<Place> other(loop, got);
  other.create_socket();
  std::error_code failed;
  other.bind(listener.local_addr(), failed);
  BOOST_TEST((failed == std::errc::address_in_use));
  BOOST_TEST(test::echoes(loop, peer));
  other.bind(endpoint::parse("127.0.0.1:0"));  // it can still be used
  BOOST_TEST(other.local_addr().port() != 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// Law 10: accept takes a bounded batch each turn; ECONNABORTED, EPROTO, EINTR and EAGAIN are not
// errors.
#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/faulty_system.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

namespace {

using asyncore::endpoint;

template <class Place>
struct server;
template <class Place>
struct server_of_three;
template <class Place>
struct python_server;
template <class Place>
struct connection;
template <class Place>
using server_loop = typename Place::template loop<server<Place>, server_of_three<Place>,
                                                  python_server<Place>, connection<Place>>;

// What a server did.
struct record {
  std::vector<endpoint> peers;
  std::string logged;
  int errors = 0;
  bool stays_open = false;
  std::function<void()> on_accepted;
};

template <class Place>
struct connection : asyncore::dispatcher_with_send<connection<Place>, server_loop<Place>> {
  using asyncore::dispatcher_with_send<connection, server_loop<Place>>::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data) { this->send(data); }
};

template <class Self, class Loop>
struct serving : asyncore::dispatcher<Self, Loop> {
  serving(Loop& loop, record& what, const endpoint& where = endpoint::parse("127.0.0.1:0"))
      : asyncore::dispatcher<Self, Loop>(loop), what_(what) {
    this->create_socket(where.family());
    this->bind(where);
    this->listen();
  }
  void log(std::string_view message) { what_.logged += message; }
  void handle_error() {
    ++what_.errors;
    if (!what_.stays_open) this->close();
  }

 protected:
  template <class Channel>
  void take(asyncore::socket peer, endpoint from) {
    what_.peers.push_back(from);
    this->loop().template emplace<Channel>(std::move(peer));
    if (const auto act = what_.on_accepted) act();
  }
  record& what_;
};

template <class Place>
struct server : serving<server<Place>, server_loop<Place>> {
  using server::serving::serving;
  bool readable() const { return !paused; }
  void handle_accepted(asyncore::socket peer, endpoint from) {
    this->template take<connection<Place>>(std::move(peer), from);
  }
  bool paused = false;
};

template <class Place>
struct server_of_three : serving<server_of_three<Place>, server_loop<Place>> {
  using server_of_three::serving::serving;
  static constexpr int accept_batch = 3;
  void handle_accepted(asyncore::socket peer, endpoint from) {
    this->template take<connection<Place>>(std::move(peer), from);
  }
};

// Calls accept itself, as Python's handle_accept does: one each turn.
template <class Place>
struct python_server : serving<python_server<Place>, server_loop<Place>> {
  using python_server::serving::serving;
  void handle_accept() {
    if (auto peer = this->accept())
      this->template take<connection<Place>>(std::move(peer->first), peer->second);
  }
};

std::vector<test::unique_fd> clients(const endpoint& to, std::size_t count) {
  std::vector<test::unique_fd> all;
  while (all.size() < count) all.push_back(test::connected_to(to));
  return all;
}

template <class Loop>
bool echoes(Loop& loop, const test::unique_fd& client) {
  test::put(client, "echo");
  std::string got;
  return test::turn_until(loop, [&] { return (got += test::take(client)) == "echo"; });
}

// Of `count` connections that wait, each turn takes `batch`, and serves the others meanwhile.
template <class Server>
void takes(std::size_t batch, std::size_t count) {
  typename Server::loop_type loop;
  record what;
  Server listener(loop, what);
  const auto early = test::connected_to(listener.local_addr());
  BOOST_CHECK(echoes(loop, early));
  const auto waiting = clients(listener.local_addr(), count);
  // UNIX sockets and TCP over loopback are there when connect returns.
  std::string echo;
  for (std::size_t turns = 1; turns <= count / batch + 1; ++turns) {
    test::put(early, "x");
    test::turn(loop);
    BOOST_CHECK_EQUAL(what.peers.size(), 1 + std::min(turns * batch, count));
    echo += test::take(early);
  }
  BOOST_CHECK_EQUAL(what.errors, 0);
  BOOST_CHECK_GE(echo.size(), count / batch);
  for (std::size_t i = 0; i < count; ++i)
    BOOST_CHECK(what.peers[i + 1] == test::name_of(waiting[i].get()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(accept_batch)

BOOST_AUTO_TEST_CASE_TEMPLATE(is_bounded, Place, test::matrix) {
  static_assert(server<Place>::accept_batch == 16);
  takes<server<Place>>(16, 40);
  takes<server_of_three<Place>>(3, 10);
  takes<python_server<Place>>(1, 5);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_with_the_listener, Place, test::matrix) {
  for (const bool destroyed : {false, true}) {
    server_loop<Place> loop;
    record what;
    auto listener = std::make_unique<server<Place>>(loop, what);
    const auto waiting = clients(listener->local_addr(), 3);
    what.on_accepted = [&] { destroyed ? listener.reset() : listener->close(); };
    test::turn(loop, 3);
    BOOST_CHECK_EQUAL(what.peers.size(), 1u);
    BOOST_CHECK_EQUAL(loop.size(), 1u);
    BOOST_CHECK(echoes(loop, waiting[0]));
    BOOST_CHECK(test::at_end(waiting[1]));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(transient_failures, Place, test::matrix) {
  using place = test::faulty<Place>;
  // The last six: "treat them like EAGAIN by retrying" (accept(2), "Error handling").
  for (const int error : {ECONNABORTED, EPROTO, EINTR, EAGAIN, ENETDOWN, ENOPROTOOPT, EHOSTDOWN,
                          ENONET, EHOSTUNREACH, ENETUNREACH}) {
    server_loop<place> loop;
    record what;
    server<place> listener(loop, what);
    const auto waiting = clients(listener.local_addr(), 2);
    test::faults::accept = {-error, -error};
    test::turn(loop, 4);
    BOOST_CHECK_EQUAL(what.errors, 0);
    BOOST_CHECK_EQUAL(what.logged, "");
    BOOST_CHECK_EQUAL(what.peers.size(), 2u);
    // However many there are, a turn ends.
    const auto late = test::connected_to(listener.local_addr());
    test::faults::accept.assign(100, -error);
    test::turn(loop);
    BOOST_CHECK_GE(test::faults::accept.size(), 100u - 16u);
    test::faults::accept.clear();
    BOOST_CHECK(echoes(loop, late));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(other_failures, Place, test::matrix) {
  using place = test::faulty<Place>;
  for (const bool stays_open : {false, true}) {
    server_loop<place> loop;
    record what;
    what.stays_open = stays_open;
    server<place> listener(loop, what);
    const auto waiting = test::connected_to(listener.local_addr());
    test::faults::accept = {-EINVAL};
    test::turn(loop);
    BOOST_CHECK_EQUAL(what.errors, 1);
    BOOST_CHECK(loop.empty() == !stays_open);
    if (stays_open) BOOST_CHECK(echoes(loop, waiting));
  }
}

// Clients that leave before they are accepted. Linux gives out their sockets all the same; other
// systems say ECONNABORTED.
BOOST_AUTO_TEST_CASE_TEMPLATE(clients_that_do_not_wait, Place, test::matrix) {
  server_loop<Place> loop;
  record what;
  server<Place> listener(loop, what);
  auto waiting = clients(listener.local_addr(), 6);
  for (std::size_t i : {0u, 2u, 4u}) test::reset(waiting[i]);
  waiting[1].reset();
  BOOST_CHECK(echoes(loop, waiting[3]));
  BOOST_CHECK(echoes(loop, waiting[5]));
  BOOST_CHECK(test::turn_until(loop, [&] { return loop.size() == 3; }));
  BOOST_CHECK_EQUAL(what.errors, 0);
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE_TEMPLATE(a_hook_that_throws, Place, test::matrix) {
  server_loop<Place> loop;
  record what;
  what.stays_open = true;
  server<Place> listener(loop, what);
  const auto waiting = clients(listener.local_addr(), 5);
  what.on_accepted = [&] {
    what.on_accepted = nullptr;
    throw std::runtime_error("on purpose");
  };
  for (const auto& client : waiting) BOOST_CHECK(echoes(loop, client));
  BOOST_CHECK_EQUAL(what.errors, 1);
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(a_paused_listener, Place, test::matrix) {
  using place = test::counted<Place>;
  test::poller_counts counts;
  server_loop<place> loop(counts);
  record what;
  server<place> listener(loop, what);
  test::turn(loop);
  listener.paused = true;
  const auto waiting = clients(listener.local_addr(), 3);
  test::turn(loop, 20);
  BOOST_CHECK_EQUAL(counts.reports, 0u);
  listener.paused = false;
  for (const auto& client : waiting) BOOST_CHECK(echoes(loop, client));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(over_unix_sockets, Place, test::matrix) {
  const test::temporary_directory directory;
  server_loop<Place> loop;
  record what;
  server<Place> listener(loop, what, directory.address("socket"));
  const auto waiting = clients(listener.local_addr(), 20);
  for (const auto& client : waiting) BOOST_CHECK(echoes(loop, client));
  BOOST_CHECK_EQUAL(what.peers.front().family(), AF_UNIX);
}

// A map without room: the connection is closed at once, and the server goes on.
BOOST_AUTO_TEST_CASE_TEMPLATE(no_room, Place, test::matrix) {
  if (!std::is_same_v<typename Place::map_kind, test::fixed>) return;
  server_loop<Place> loop;
  record what;
  server<Place> listener(loop, what);
  auto inside = clients(listener.local_addr(), test::fixed::room - 1);
  for (const auto& client : inside) BOOST_CHECK(echoes(loop, client));
  const auto outside = test::connected_to(listener.local_addr());
  BOOST_CHECK(test::turn_until(loop, [&] { return !what.logged.empty(); }));
  BOOST_CHECK(test::at_end(outside));
  BOOST_CHECK_EQUAL(what.errors, 0);
  BOOST_CHECK(echoes(loop, inside.front()));
  inside.back().reset();
  BOOST_CHECK(test::turn_until(loop, [&] { return loop.size() < test::fixed::room; }));
  const auto next = test::connected_to(listener.local_addr());
  BOOST_CHECK(echoes(loop, next));
}

BOOST_AUTO_TEST_SUITE_END()

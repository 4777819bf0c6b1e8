// SPDX-License-Identifier: BSL-1.0
// Law 10: accept takes a bounded batch each turn; ECONNABORTED, EPROTO, EINTR and EAGAIN are not
// errors.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/faulty_system.hpp"
#include "../support/matrix.hpp"
#include "../support/servers.hpp"
#include "../support/turns.hpp"

namespace {

using test::clients;
using test::echoes;
using test::server;
using test::server_loop;

// Of `count` connections that wait, each turn takes `batch`, and serves the others meanwhile.
template <template <class> class Server, class Place>
void takes(std::size_t batch, std::size_t count) {
  test::served<Place> what;
  server_loop<Place> loop;
  Server<Place> listener(loop, what);
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

BOOST_FIXTURE_TEST_SUITE(accept_batch, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(is_bounded, Place, test::matrix) {
  static_assert(server<Place>::accept_batch == 16);
  takes<server, Place>(16, 40);
  takes<test::server_of_three, Place>(3, 10);
  takes<test::python_server, Place>(1, 5);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_with_the_listener, Place, test::matrix) {
  for (const bool destroyed : {false, true}) {
    test::served<Place> what;
    server_loop<Place> loop;
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
    test::served<place> what;
    server_loop<place> loop;
    server<place> listener(loop, what);
    const auto waiting = clients(listener.local_addr(), 2);
    test::faults::accept = {-error, -error};
    test::turn(loop, 4);
    BOOST_CHECK_EQUAL(what.errors, 0);
    BOOST_CHECK(what.logged.empty());
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
    test::served<place> what;
    server_loop<place> loop;
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
  test::served<Place> what;
  server_loop<Place> loop;
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
  test::served<Place> what;
  server_loop<Place> loop;
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
  test::served<place> what;
  server_loop<place> loop(counts);
  server<place> listener(loop, what);
  test::turn(loop);
  listener.paused = true;
  const auto waiting = clients(listener.local_addr(), 3);
  test::turn(loop, 20);
  BOOST_CHECK_LE(counts.reports, 1u);  // a poller that is told of the pause only now
  BOOST_CHECK_EQUAL(loop.size(), 1u);
  listener.paused = false;
  for (const auto& client : waiting) BOOST_CHECK(echoes(loop, client));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(over_unix_sockets, Place, test::matrix) {
  const test::temporary_directory directory;
  test::served<Place> what;
  server_loop<Place> loop;
  server<Place> listener(loop, what, directory.address("socket"));
  const auto waiting = clients(listener.local_addr(), 20);
  for (const auto& client : waiting) BOOST_CHECK(echoes(loop, client));
  BOOST_CHECK_EQUAL(what.peers.front().family(), AF_UNIX);
}

// A map without room: the connection is closed at once, and the server goes on.
BOOST_AUTO_TEST_CASE_TEMPLATE(no_room, Place, test::matrix) {
  if (!std::is_same_v<typename Place::map_kind, test::fixed>) return;
  test::served<Place> what;
  server_loop<Place> loop;
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

// SPDX-License-Identifier: BSL-1.0
// Law 14: one connection cannot end a server. What a connection throws ends that connection; a
// listener logs, pauses and goes on.
#include <boost/test/unit_test.hpp>

#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/faulty_system.hpp"
#include "../support/matrix.hpp"
#include "../support/servers.hpp"
#include "../support/turns.hpp"

namespace {

using test::clients;
using test::echoes;
using test::server_loop;

/// Has the `handle_error` of the library.
template <class Place>
struct plain_server;
template <class Place>
using plain_loop = typename Place::template loop<plain_server<Place>>;

template <class Place>
struct plain_server : asyncore::dispatcher<plain_server<Place>, plain_loop<Place>> {
  explicit plain_server(plain_loop<Place>& loop)
      : asyncore::dispatcher<plain_server, plain_loop<Place>>(loop) {
    this->create_socket();
    this->bind(test::endpoint::parse("127.0.0.1:0"));
    this->listen();
  }
  void handle_accepted(asyncore::socket, asyncore::endpoint) {
    ++accepted;
    if (on_accepted) on_accepted();
  }
  void log(std::string_view text) { logged.emplace_back(text); }
  static constexpr std::string_view ignore_log_types[] = {"nothing"};
  int accepted = 0;
  std::function<void()> on_accepted;
  std::vector<std::string> logged;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(listener_goes_on, test::world)

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE_TEMPLATE(whatever_a_connection_throws, Place, test::matrix) {
  const std::vector<std::function<void()>> throwing = {
      [] { throw std::runtime_error("on purpose"); },
      [] { throw std::bad_alloc(); },
      [] { throw 42; },
      // As of a call with the socket of a client that has reset the connection.
      [] { throw std::system_error(asyncore::errno_code(ENOTCONN), "shutdown"); },
      [] { throw std::system_error(asyncore::errno_code(ECONNRESET), "set_socket"); },
      [] { throw std::system_error(asyncore::errno_code(EBADF), "elsewhere"); }};
  for (const auto& f : throwing) {
    plain_loop<Place> loop;
    plain_server<Place> listener(loop);
    listener.on_accepted = f;
    const auto waiting = clients(listener.local_addr(), 5);
    test::turn(loop);
    BOOST_TEST(listener.accepted == 5);  // the others of the batch follow in the same turn
    BOOST_TEST(listener.logged.size() == 5u);
    BOOST_TEST(listener.accepting());
    listener.on_accepted = nullptr;
    const auto late = test::connected_to(listener.local_addr());
    BOOST_TEST(test::turn_until(loop, [&] { return listener.accepted == 6; }));
    BOOST_TEST(loop.size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(its_own_handle_error_is_called_for_each, Place, test::matrix) {
  test::served<Place> what;
  server_loop<Place> loop;
  what.stays_open = true;
  test::server<Place> listener(loop, what);
  const auto waiting = clients(listener.local_addr(), 4);
  what.on_accepted = [] { throw std::runtime_error("on purpose"); };
  test::turn(loop);
  BOOST_TEST(what.errors == 4);
  BOOST_TEST(what.peers.size() == 4u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_may_close_in_its_handle_error, Place, test::matrix) {
  test::served<Place> what;
  server_loop<Place> loop;
  test::server<Place> listener(loop, what);
  const auto waiting = clients(listener.local_addr(), 4);
  what.on_accepted = [] { throw std::runtime_error("on purpose"); };
  test::turn(loop);
  BOOST_TEST(what.errors == 1);
  BOOST_TEST(what.peers.size() == 1u);
  BOOST_TEST(!listener.accepting());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(exit_now_leaves_run_all_the_same, Place, test::matrix) {
  plain_loop<Place> loop;
  plain_server<Place> listener(loop);
  listener.on_accepted = [] { throw asyncore::exit_now(); };
  const auto waiting = clients(listener.local_addr(), 2);
  BOOST_CHECK_THROW(test::turn(loop), asyncore::exit_now);
  BOOST_CHECK_THROW(test::turn(loop), asyncore::exit_now);
  BOOST_TEST(listener.accepted == 2);
  BOOST_TEST(listener.logged.empty());
}
#endif

// What accept(2) may fail with besides, as behind a firewall or a full connection table: it may
// pass, and the loop does not spin meanwhile.
BOOST_AUTO_TEST_CASE_TEMPLATE(errors_of_accept_pause_it, Place, test::matrix) {
  using place = test::faulty<test::counted<Place>>;
  for (const int error : {EPERM, ETIMEDOUT, EOPNOTSUPP, ENOSR, ESOCKTNOSUPPORT, EPROTONOSUPPORT,
                          ECONNRESET, EACCES, EIO, ENOSPC, ENOBUFS, EMFILE}) {
    test::poller_counts counts;
    test::served<place> what;
    server_loop<place> loop(counts);
    test::server<place> listener(loop, what);
    const auto waiting = test::connected_to(listener.local_addr());
    test::faults::accept = {-error, -error};
    test::turn(loop, 50);
    BOOST_TEST(what.errors == 0);
    BOOST_TEST(what.logged.size() == 1u);
    BOOST_TEST(counts.reports <= 2u);
    BOOST_TEST(echoes(loop, waiting));
    BOOST_TEST(test::faults::accept.empty());
    BOOST_TEST(what.logged.size() == 2u);  // once in a pause
  }
}

#if ASYNCORE_HAS_EXCEPTIONS
// Mistakes of the program are told, and do not spin either.
BOOST_AUTO_TEST_CASE_TEMPLATE(mistakes_reach_handle_error, Place, test::matrix) {
  using place = test::faulty<test::counted<Place>>;
  for (const int error : {EBADF, EINVAL, ENOTSOCK, EFAULT}) {
    test::poller_counts counts;
    test::served<place> what;
    server_loop<place> loop(counts);
    what.stays_open = true;
    test::server<place> listener(loop, what);
    const auto waiting = test::connected_to(listener.local_addr());
    test::faults::accept.assign(100, -error);
    test::turn(loop, 50);
    BOOST_TEST(what.errors >= 1);
    BOOST_TEST(what.errors <= 2);
    test::faults::accept.clear();
    BOOST_TEST(echoes(loop, waiting));
  }
}
#endif

BOOST_AUTO_TEST_SUITE_END()

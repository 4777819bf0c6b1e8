// SPDX-License-Identifier: BSL-1.0
// Law 9: connect finishes by SO_ERROR on the first write readiness; an instant result is reported
// from the next turn, never from inside `connect`.
#include <boost/test/unit_test.hpp>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/faulty_system.hpp"
#include "../support/matrix.hpp"
#include "../support/scripted_poller.hpp"
#include "../support/turns.hpp"

namespace {

using asyncore::endpoint;
using strings = std::vector<std::string>;

// Writes down its hooks. With handle_write and an answer of yes, so that a writing hook before
// handle_connect would show.
template <class Place>
struct client;
template <class Place>
using client_loop = typename Place::template loop<client<Place>>;

template <class Place>
struct client : asyncore::dispatcher_with_send<client<Place>, client_loop<Place>> {
  using asyncore::dispatcher_with_send<client, client_loop<Place>>::dispatcher_with_send;

  // Connects with a new socket, and sees that no hook is called meanwhile.
  void start(const endpoint& to) {
    this->create_socket(to.family());
    go_on(to);
  }
  void go_on(const endpoint& to) {
    const std::size_t before = hooks.size();
    this->connect(to);
    BOOST_CHECK_EQUAL(hooks.size(), before);
    BOOST_CHECK(this->connecting());
  }

  void log(std::string_view) {}
  bool writable() const { return true; }
  void handle_write() {
    if (hooks.back() != "write") hooks.push_back("write");
  }
  void handle_connect() { note("connect"); }
  void handle_data(std::span<const std::byte> data) {
    note("data " + std::string(asyncore::as_text(data)));
  }
  void handle_close() {
    note("close");
    if (!keeps) this->close();
  }
  void handle_error() {
    code = this->loop().last_error();
#if ASYNCORE_HAS_EXCEPTIONS
    try {
      throw;
    } catch (const std::system_error& e) {
      BOOST_CHECK(e.code() == code);
      what = e.what();
    }
#endif
    note("error");
    if (!keeps) this->close();
  }
  void note(std::string hook) {
    hooks.push_back(std::move(hook));
    if (const auto now = std::exchange(act, nullptr)) now();
  }

  strings hooks;
  std::error_code code;
  std::string what;
  bool keeps = false;
  std::function<void()> act;  // in the next hook
};

// The same of what an out-queue would refuse.
template <class Place>
struct datagrams;
template <class Place>
using datagram_loop = typename Place::template loop<datagrams<Place>>;
template <class Place>
struct datagrams : asyncore::dispatcher<datagrams<Place>, datagram_loop<Place>> {
  using asyncore::dispatcher<datagrams, datagram_loop<Place>>::dispatcher;
  void handle_connect() { hooks.push_back("connect"); }
  strings hooks;
};

template <class Client>
bool hears(Client& one, const strings& hooks) {
  const auto same = [&] {
    strings heard = one.hooks;
    std::erase(heard, "write");
    return heard == hooks;
  };
  const bool heard = test::turn_until(one.loop(), same);
  test::turn(one.loop(), 5);
  BOOST_CHECK(same());  // and no more
  return heard;
}

endpoint nobody_at() { return test::name_of(test::tcp_listener(-1).get()); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(connect_outcome, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(success, Place, test::matrix) {
  const test::temporary_directory directory;
  const auto tcp = test::tcp_listener();
  const endpoint path = directory.address("socket");  // connected at once
  const auto local = test::bound_to(path, SOCK_STREAM, 8);
  for (const auto* listener : {&tcp, &local}) {
    const endpoint to = test::name_of(listener->get());
    client_loop<Place> loop;
    client<Place> one(loop);
    one.start(to);
    one.send("before");
    BOOST_CHECK(one.addr() == to);
    BOOST_CHECK(!one.connected());
    BOOST_CHECK(hears(one, {"connect"}));
    BOOST_CHECK_EQUAL(one.hooks.front(), "connect");
    BOOST_CHECK(one.connected() && !one.connecting());
    BOOST_CHECK(one.addr() == to);
    const auto peer = test::accepted(*listener);
    BOOST_CHECK(test::wait_for(peer.get(), POLLIN));
    BOOST_CHECK_EQUAL(test::take(peer), "before");
  }
}

// A datagram socket is connected at once, too.
BOOST_AUTO_TEST_CASE_TEMPLATE(success_of_datagrams, Place, test::matrix) {
  const auto peer = test::bound_to(test::any_port, SOCK_DGRAM);
  datagram_loop<Place> loop;
  datagrams<Place> one(loop);
  one.create_socket(AF_INET, SOCK_DGRAM);
  one.connect(test::name_of(peer.get()));
  BOOST_CHECK(one.hooks.empty() && one.connecting());
  BOOST_CHECK(hears(one, {"connect"}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(refused, Place, test::matrix) {
  for (const bool keeps : {false, true}) {
    const endpoint to = nobody_at();
    client_loop<Place> loop;
    client<Place> one(loop);
    one.keeps = keeps;
    one.start(to);
    BOOST_CHECK(hears(one, {"error"}));
    BOOST_CHECK(one.code == std::errc::connection_refused);
    if (ASYNCORE_HAS_EXCEPTIONS)
      BOOST_CHECK(one.what.find("connect " + to.to_string()) == 0);
    BOOST_CHECK(!one.connected() && !one.connecting());
    BOOST_CHECK_EQUAL(loop.size(), keeps ? 1u : 0u);
  }
}

// The outcome that SO_ERROR gives is the one that is reported.
BOOST_AUTO_TEST_CASE_TEMPLATE(unreachable, Place, test::matrix) {
  using place = test::faulty<Place>;
  const auto listener = test::tcp_listener();
  for (const int error : {EHOSTUNREACH, ETIMEDOUT, ENETUNREACH}) {
    client_loop<place> loop;
    client<place> one(loop);
    one.start(test::name_of(listener.get()));
    test::faults::so_error = {error};
    BOOST_CHECK(hears(one, {"error"}));
    BOOST_CHECK(one.code == asyncore::errno_code(error));
  }
}

// Refused before the call returns: that is an error of `connect`, and no hook is called.
BOOST_AUTO_TEST_CASE_TEMPLATE(refused_at_once, Place, test::matrix) {
  const test::temporary_directory directory;
  const endpoint there = directory.address("there"), absent = directory.address("absent");
  const auto listener = test::bound_to(there);
  client_loop<Place> loop;
  client<Place> one(loop);
  one.create_socket(AF_UNIX);
  std::error_code failed;
  one.connect(there, failed);
  BOOST_CHECK(failed == std::errc::connection_refused);
  one.connect(absent, failed);
  BOOST_CHECK(failed == std::errc::no_such_file_or_directory);
#if ASYNCORE_HAS_EXCEPTIONS
  BOOST_CHECK_EXCEPTION(one.connect(absent), std::system_error, [&](const std::system_error& e) {
    return e.code() == failed &&
           std::string(e.what()).find("connect " + absent.to_string()) == 0;
  });
#endif
  test::turn(loop, 5);
  BOOST_CHECK(one.hooks.empty());
  BOOST_REQUIRE_EQUAL(test::sys().listen(listener.get(), 8), 0);
  one.go_on(there);
  BOOST_CHECK(hears(one, {"connect"}));
}

// Whatever the server does before the loop looks, the hooks come in their order.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_hasty_server, Place, test::matrix) {
  for (const bool resets : {false, true}) {
    const auto listener = test::tcp_listener();
    client_loop<Place> loop;
    client<Place> one(loop);
    one.start(test::name_of(listener.get()));
    auto peer = test::accepted(listener);
    if (resets) {
      test::reset(peer);
      BOOST_CHECK(test::wait_for(one.native_handle(), 0));
      BOOST_CHECK(hears(one, {"close"}));
    } else {
      test::put(peer, "welcome and goodbye");
      peer.reset();
      BOOST_CHECK(hears(one, {"connect", "data welcome and goodbye", "close"}));
    }
    BOOST_CHECK(loop.empty());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(given_up, Place, test::matrix) {
  const auto listener = test::tcp_listener();
  client_loop<Place> loop;
  client<Place> closed(loop);
  closed.start(test::name_of(listener.get()));
  closed.close();
  {
    client<Place> destroyed(loop);
    destroyed.start(test::name_of(listener.get()));
  }
  auto& owned = loop.template emplace<client<Place>>();
  owned.start(test::name_of(listener.get()));
  owned.close();
  test::turn(loop, 5);
  BOOST_CHECK(closed.hooks.empty());
  BOOST_CHECK(loop.empty());
}

// Tried again from the hook that hears of the failure, with the same socket and with a new one.
BOOST_AUTO_TEST_CASE_TEMPLATE(tried_again, Place, test::matrix) {
  const auto listener = test::tcp_listener();
  const endpoint to = test::name_of(listener.get());
  for (const bool same_socket : {false, true}) {
    client_loop<Place> loop;
    client<Place> one(loop);
    one.keeps = true;
    one.start(nobody_at());
    one.act = [&] {
      std::error_code failed;
      if (same_socket) one.connect(to, failed);  // Linux wants to say once more that it failed
      same_socket ? one.go_on(to) : one.start(to);
    };
    BOOST_CHECK(hears(one, {"error", "connect"}));
    BOOST_CHECK(one.connected());
    BOOST_CHECK(one.addr() == to);
  }
}

// And again when the connection is over.
BOOST_AUTO_TEST_CASE_TEMPLATE(reconnected, Place, test::matrix) {
  const auto listener = test::tcp_listener();
  client_loop<Place> loop;
  client<Place> one(loop);
  one.keeps = true;
  one.start(test::name_of(listener.get()));
  BOOST_CHECK(hears(one, {"connect"}));
  one.act = [&] {
    one.close();
    one.start(test::name_of(listener.get()));
  };
  test::accepted(listener).reset();
  BOOST_CHECK(hears(one, {"connect", "close", "connect"}));
}

// In the middle of a turn, the outcome is not that turn's.
BOOST_AUTO_TEST_CASE_TEMPLATE(started_in_a_hook, Place, test::matrix) {
  const auto listener = test::tcp_listener();
  client_loop<Place> loop;
  client<Place> first(loop), second(loop);
  first.start(test::name_of(listener.get()));
  first.act = [&] { second.start(test::name_of(listener.get())); };
  BOOST_CHECK(test::turn_until(loop, [&] { return !first.hooks.empty(); }));
  BOOST_CHECK(second.hooks.empty());
  BOOST_CHECK(hears(second, {"connect"}));
}

#if !defined(TEST_SIMULATED)
// Readiness that was not: the attempt goes on.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_spurious_wake_up, Place, test::scripted_matrix) {
  using asyncore::readiness;
  using place = test::place<test::faulty_poller<test::scripted_poller>, typename Place::map_kind,
                            Place::closed>;
  const auto listener = test::tcp_listener();
  const endpoint to = test::name_of(listener.get());
  test::poller_script script;
  client_loop<place> loop(script);
  client<place> one(loop);
  test::faults::connect = {-EINPROGRESS};  // and really nothing has been started
  one.start(to);
  test::turn(loop);
  BOOST_CHECK(script.wanted(one.native_handle()) == asyncore::interest::write);
  for (int i = 0; i < 3; ++i) {
    script.reports = {{one.id(), readiness::write}};
    test::turn(loop);
  }
  BOOST_CHECK(one.hooks.empty());
  BOOST_CHECK(one.connecting());
  asyncore::posix_system::connect(one.native_handle(), to);
  BOOST_CHECK(test::wait_for(one.native_handle(), POLLOUT));
  script.reports = {{one.id(), readiness::write}};
  test::turn(loop);
  BOOST_CHECK(one.hooks == strings{"connect"});
}
#endif

BOOST_AUTO_TEST_SUITE_END()

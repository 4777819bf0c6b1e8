// SPDX-License-Identifier: BSL-1.0
// The set-up calls of a dispatcher, its states, addresses and description.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using asyncore::endpoint;
using test::contains;
using test::outcome;

template <class Place>
struct server;
template <class Place>
struct peer;
template <class Place>
using loop_of = typename Place::template loop<server<Place>, peer<Place>>;

template <class Place>
struct peer : asyncore::dispatcher<peer<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher<peer<Place>, loop_of<Place>>;
  peer(loop_of<Place>& loop, outcome& result) : base(loop), got(result) {}
  peer(loop_of<Place>& loop, asyncore::socket socket, outcome& result)
      : base(loop, std::move(socket)), got(result) {}
  void handle_connect() { ++got.connects; }
  void handle_accepted(asyncore::socket, asyncore::endpoint) {}
  void handle_data(std::span<const std::byte> data) { got.received += asyncore::as_text(data); }
  void handle_close() {
    ++got.closes;
    if (close_when_told) this->close();
  }
  outcome& got;
  bool close_when_told = true;
};

template <class Place>
struct server : asyncore::dispatcher<server<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher<server<Place>, loop_of<Place>>;
  server(loop_of<Place>& loop, const endpoint& where, outcome& result) : base(loop), got(result) {
    this->create_socket(where.family());
    this->set_reuse_addr();
    this->bind(where);
    this->listen();
  }
  void handle_accepted(asyncore::socket socket, endpoint from) {
    last_from = from;
    last = &this->loop().template emplace<peer<Place>>(std::move(socket), got);
  }
  outcome& got;
  endpoint last_from;
  peer<Place>* last = nullptr;
};

/// What a set-up call throws.
template <class Call>
std::system_error thrown_by(Call call) {
  try {
    call();
  } catch (const std::system_error& e) {
    return e;
  }
  return {std::error_code(), "nothing was thrown"};
}

const endpoint any_v4 = endpoint::parse("127.0.0.1:0");
const endpoint any_v6 = endpoint::parse("[::1]:0");

/// The tests of calls that involve no loop use one place.
using place = std::tuple_element_t<0, test::matrix>;
struct one_peer : test::world {
  loop_of<place> loop;
  outcome got;
  peer<place> channel{loop, got};
};

BOOST_FIXTURE_TEST_SUITE(dispatcher, test::world)

BOOST_FIXTURE_TEST_CASE(a_new_one_is_in_no_state, one_peer) {
  BOOST_TEST(channel.native_handle() == -1);
  BOOST_TEST(!channel.registered());
  BOOST_TEST(!channel.connected());
  BOOST_TEST(!channel.connecting());
  BOOST_TEST(!channel.accepting());
  BOOST_TEST(!channel.closing());
  BOOST_TEST(channel.addr().to_string() == "");
  BOOST_TEST(channel.local_addr().to_string() == "");
  BOOST_TEST(contains(channel.description(), "peer<"), channel.description());
  BOOST_TEST(contains(channel.description(), " fd -1>"), channel.description());
}

BOOST_FIXTURE_TEST_CASE(create_socket_enters_the_loop, one_peer) {
  channel.create_socket();
  BOOST_TEST(channel.registered());
  BOOST_TEST(loop.size() == 1u);
  const int fd = channel.native_handle();
  BOOST_TEST(test::kernel::is_prepared(fd));
  channel.create_socket(AF_UNIX, SOCK_DGRAM);  // the one that it had is closed
  BOOST_TEST(loop.size() == 1u);
  int type = 0;
  test::sys().getsockopt(channel.native_handle(), SOL_SOCKET, SO_TYPE, type);
  BOOST_TEST(type == SOCK_DGRAM);
}

BOOST_FIXTURE_TEST_CASE(create_socket_names_itself, one_peer) {
  const auto error = thrown_by([&] { channel.create_socket(AF_UNIX, 4711); });
  BOOST_TEST(error.code().value() != 0);
  BOOST_TEST(contains(error.what(), "create_socket"), error.what());
  std::error_code failed;
  channel.create_socket(AF_UNIX, 4711, failed);
  BOOST_TEST((failed == error.code()));
  BOOST_TEST(channel.native_handle() == -1);
  BOOST_TEST(loop.empty());
  channel.create_socket(AF_INET, SOCK_STREAM, failed);
  BOOST_TEST(!failed);
}

BOOST_FIXTURE_TEST_CASE(bind_names_the_address, one_peer) {
  const test::unique_fd taken = test::tcp_listener();
  const endpoint where = test::name_of(taken.get());
  channel.create_socket();
  const auto error = thrown_by([&] { channel.bind(where); });
  BOOST_TEST((error.code() == std::errc::address_in_use));
  BOOST_TEST(contains(error.what(), "bind " + where.to_string()), error.what());
  std::error_code failed;
  channel.bind(where, failed);
  BOOST_TEST((failed == std::errc::address_in_use));
  channel.bind(any_v4, failed);
  BOOST_TEST(!failed);
  BOOST_TEST(channel.local_addr().port() != 0);
}

BOOST_FIXTURE_TEST_CASE(set_reuse_addr_sets_the_option, one_peer) {
  channel.set_reuse_addr();  // without a socket: nothing
  channel.create_socket();
  channel.set_reuse_addr();
  int value = 0;
  test::sys().getsockopt(channel.native_handle(), SOL_SOCKET, SO_REUSEADDR, value);
  BOOST_TEST(value != 0);
}

BOOST_FIXTURE_TEST_CASE(listen_names_the_address, one_peer) {
  channel.create_socket(AF_INET, SOCK_DGRAM);
  channel.bind(any_v4);
  const auto error = thrown_by([&] { channel.listen(); });
  BOOST_TEST((error.code() == std::errc::operation_not_supported));
  BOOST_TEST(contains(error.what(), "listen " + channel.local_addr().to_string()), error.what());
  std::error_code failed;
  channel.listen(5, failed);
  BOOST_TEST((failed == std::errc::operation_not_supported));
  BOOST_TEST(!channel.accepting());
  channel.create_socket();
  channel.bind(any_v4);
  channel.listen(5, failed);
  BOOST_TEST(!failed);
  BOOST_TEST(channel.accepting());
}

BOOST_FIXTURE_TEST_CASE(connect_names_the_address, one_peer) {
  const test::temporary_directory directory;
  const endpoint nobody = directory.address("nobody");
  channel.create_socket(AF_UNIX);
  const auto error = thrown_by([&] { channel.connect(nobody); });
  BOOST_TEST((error.code() == std::errc::no_such_file_or_directory));
  BOOST_TEST(contains(error.what(), "connect " + nobody.to_string()), error.what());
  std::error_code failed;
  channel.connect(nobody, failed);
  BOOST_TEST((failed == std::errc::no_such_file_or_directory));
  BOOST_TEST(!channel.connecting());
  loop.poll();
  BOOST_TEST(got.closes == 0);  // it was told by the exception, and only by that
}

BOOST_FIXTURE_TEST_CASE(without_a_socket_everything_fails_clearly, one_peer) {
  std::error_code failed;
  channel.bind(any_v4, failed);
  BOOST_TEST((failed == std::errc::bad_file_descriptor));
  channel.listen(1, failed);
  BOOST_TEST((failed == std::errc::bad_file_descriptor));
  channel.connect(any_v4, failed);
  BOOST_TEST((failed == std::errc::bad_file_descriptor));
  channel.shutdown(SHUT_WR, failed);
  BOOST_TEST((failed == std::errc::bad_file_descriptor));
  BOOST_TEST(channel.send("x").closed());
  std::byte byte;
  BOOST_TEST(channel.recv({&byte, 1}).closed());
  BOOST_TEST(got.closes == 0);  // there was nothing to close
  channel.close();
}

BOOST_FIXTURE_TEST_CASE(shutdown_names_itself, one_peer) {
  channel.create_socket();
  const auto error = thrown_by([&] { channel.shutdown(); });
  BOOST_TEST((error.code() == std::errc::not_connected));
  BOOST_TEST(contains(error.what(), "shutdown"), error.what());
}

BOOST_FIXTURE_TEST_CASE(set_socket_takes_any_socket_over, one_peer) {
  test::ends pair = test::socket_pair();
  if (!test::simulated) ::fcntl(pair.near.get(), F_SETFL, 0);  // blocking
  const test::unique_fd far = std::move(pair.far);
  channel.set_socket(asyncore::socket(std::move(pair.near)));
  BOOST_TEST(test::kernel::is_prepared(channel.native_handle()));
  BOOST_TEST(channel.connected());
  test::put(far, "x");
  loop.poll();
  BOOST_TEST(got.received == "x");
  channel.set_socket(asyncore::socket(test::checked(test::sys().socket(AF_INET, SOCK_STREAM))));
  BOOST_TEST(!channel.connected());
  BOOST_TEST(test::at_end(far));  // the one that it had is closed
  loop.poll();
  BOOST_TEST(got.closes == 0);
}

BOOST_FIXTURE_TEST_CASE(set_socket_reports_a_bad_one, one_peer) {
  test::kernel::be_careless();
  test::ends pipe = test::pipe_to_near();
  const int closed = pipe.near.get();
  pipe.near.reset();
  const auto error = thrown_by([&] { channel.set_socket(asyncore::socket(test::own(closed))); });
  BOOST_TEST((error.code() == std::errc::bad_file_descriptor));
  BOOST_TEST(contains(error.what(), "set_socket: fd " + std::to_string(closed)), error.what());
  BOOST_CHECK_THROW(channel.set_socket(asyncore::socket()), std::system_error);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(states_follow_a_connection, Place, test::matrix) {
  loop_of<Place> loop;
  outcome at_server, at_client;
  server<Place> listener(loop, any_v4, at_server);
  const endpoint where = listener.local_addr();
  BOOST_TEST(listener.accepting());
  BOOST_TEST(!listener.connected());
  BOOST_TEST(where.port() != 0);
  BOOST_TEST(listener.addr().to_string() == where.to_string());
  BOOST_TEST(contains(listener.description(), " listening " + where.to_string()));

  peer<Place> client(loop, at_client);
  client.create_socket();
  test::turn(loop, 2);  // an unconnected stream is no event
  BOOST_TEST(at_client.closes == 0);
  client.connect(where);
  BOOST_TEST(client.connecting());
  BOOST_TEST(!client.connected());
  BOOST_TEST(at_client.connects == 0);  // never from inside connect
  BOOST_TEST(client.addr().to_string() == where.to_string());
  BOOST_TEST(contains(client.description(), " connecting " + where.to_string()));

  BOOST_REQUIRE(test::turn_until(loop, [&] { return at_client.connects == 1 && listener.last; }));
  BOOST_TEST(client.connected());
  BOOST_TEST(!client.connecting());
  BOOST_TEST(client.addr().to_string() == where.to_string());
  BOOST_TEST(contains(client.description(), " connected " + where.to_string()));
  peer<Place>& accepted = *listener.last;
  BOOST_TEST(accepted.connected());
  BOOST_TEST(accepted.addr().to_string() == client.local_addr().to_string());
  BOOST_TEST(accepted.local_addr().to_string() == where.to_string());
  BOOST_TEST(listener.last_from.to_string() == client.local_addr().to_string());
  BOOST_TEST(test::kernel::is_prepared(accepted.native_handle()));

  client.close_when_told = false;
  accepted.close();
  BOOST_REQUIRE(test::turn_until(loop, [&] { return at_client.closes == 1; }));
  BOOST_TEST(client.closing());
  client.close();
  BOOST_TEST(!client.connected());
  BOOST_TEST(client.native_handle() == -1);
  BOOST_TEST(client.closing());

  client.create_socket();  // used again it is as new
  BOOST_TEST(!client.closing());
  client.connect(where);
  BOOST_TEST(test::turn_until(loop, [&] { return at_client.connects == 2; }));
  BOOST_TEST(at_client.closes == 1);
  BOOST_TEST(at_server.connects == 0);  // accepted ones are connected from the start
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ipv6_is_the_same, Place, test::matrix) {
  loop_of<Place> loop;
  outcome at_server, at_client;
  peer<Place> client(loop, at_client);
  client.create_socket(AF_INET6);
  std::error_code failed;
  client.bind(any_v6, failed);
  if (failed) return;  // this machine has none
  server<Place> listener(loop, any_v6, at_server);
  client.connect(listener.local_addr());
  BOOST_REQUIRE(test::turn_until(loop, [&] { return at_client.connects == 1 && listener.last; }));
  BOOST_TEST(contains(listener.last_from.to_string(), "[::1]:"));
  BOOST_TEST(client.send("hello").bytes() == 5u);
  BOOST_TEST(test::turn_until(loop, [&] { return at_server.received == "hello"; }));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

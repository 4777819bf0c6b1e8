// SPDX-License-Identifier: BSL-1.0
// UNIX stream sockets: paths, and on Linux abstract names.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

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
struct peer : asyncore::dispatcher_with_send<peer<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<peer<Place>, loop_of<Place>>;
  peer(loop_of<Place>& loop, outcome& result) : base(loop), got(result) {}
  peer(loop_of<Place>& loop, asyncore::socket socket, outcome& result)
      : base(loop, std::move(socket)), got(result) {}
  void handle_connect() { ++got.connects; }
  void handle_data(std::span<const std::byte> data) {
    got.received += asyncore::as_text(data);
    if (echoes) this->send(data);
  }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  outcome& got;
  bool echoes = false;
};

template <class Place>
struct server : asyncore::dispatcher<server<Place>, loop_of<Place>> {
  server(loop_of<Place>& loop, const endpoint& where, outcome& result)
      : asyncore::dispatcher<server<Place>, loop_of<Place>>(loop), got(result) {
    this->create_socket(AF_UNIX);
    this->bind(where);
    this->listen();
  }
  void handle_accepted(asyncore::socket socket, endpoint address) {
    from.push_back(address.to_string());
    this->loop().template emplace<peer<Place>>(std::move(socket), got).echoes = true;
  }
  outcome& got;
  std::vector<std::string> from;
};

/// Both ends in one loop, at this address.
template <class Place>
void check_echo(const endpoint& where) {
  loop_of<Place> loop;
  outcome at_server, at_client;
  server<Place> listener(loop, where, at_server);
  BOOST_TEST(listener.local_addr().to_string() == where.to_string());
  BOOST_TEST(contains(listener.description(), "listening " + where.to_string()));
  peer<Place> client(loop, at_client);
  client.create_socket(AF_UNIX);
  client.connect(where);
  BOOST_TEST(at_client.connects == 0);  // connected at once, reported from the next turn
  client.send("hello");
  BOOST_REQUIRE(test::turn_until(loop, [&] { return at_client.received == "hello"; }));
  BOOST_TEST(at_client.connects == 1);
  BOOST_TEST(client.addr().to_string() == where.to_string());
  BOOST_TEST(listener.from.at(0) == "unix:");  // a client that has not bound has no name
  client.shutdown();
  BOOST_TEST(test::turn_until(loop, [&] { return at_client.closes == 1; }));
  BOOST_TEST(at_server.closes == 1);
}

BOOST_FIXTURE_TEST_SUITE(unix_sockets, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_path, Place, test::matrix) {
  const test::temporary_directory directory;
  check_echo<Place>(directory.address("socket"));
  if (!test::simulated)
    BOOST_TEST(std::filesystem::is_socket(directory.file("socket")));  // removing it is the user's
}

#if ASYNCORE_HAS_ABSTRACT_NAMES
BOOST_AUTO_TEST_CASE_TEMPLATE(an_abstract_name, Place, test::matrix) {
  // The name of a fresh directory is one that nobody else has.
  const test::temporary_directory directory;
  check_echo<Place>(endpoint::parse("unix:@" + directory.file("abstract")));
  BOOST_TEST(!std::filesystem::exists(directory.file("abstract")));
  check_echo<Place>(endpoint::parse("unix:@\\x00" + directory.file("\\xff")));
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(a_path_of_the_greatest_length, Place, test::matrix) {
  const test::temporary_directory directory;
  const std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
  const std::size_t rest = most - directory.file("").size();
  check_echo<Place>(directory.address(std::string(rest, 'n')));
  BOOST_CHECK_EXCEPTION(directory.address(std::string(rest + 1, 'n')), std::system_error,
                        [&](auto& e) {
                          return e.code() == std::errc::filename_too_long &&
                                 contains(e.what(), directory.file("nnn"));
                        });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_path_that_is_already_there, Place, test::matrix) {
  const test::temporary_directory directory;
  const endpoint where = directory.address("socket");
  loop_of<Place> loop;
  outcome got;
  server<Place> first(loop, where, got);
  BOOST_CHECK_EXCEPTION(server<Place>(loop, where, got), std::system_error, [&](auto& e) {
    return e.code() == std::errc::address_in_use &&
           contains(e.what(), "bind " + where.to_string());
  });
  BOOST_TEST(loop.size() == 1u);
  const test::unique_fd client = test::connected_to(where);  // the first is not disturbed
  test::put(client, "x");
  BOOST_TEST(test::turn_until(loop, [&] { return got.received == "x"; }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_path_that_nobody_listens_at, Place, test::matrix) {
  const test::temporary_directory directory;
  const endpoint where = directory.address("socket");
  loop_of<Place> loop;
  outcome got;
  { server<Place> gone(loop, where, got); }  // its path is left
  auto& client = loop.template emplace<peer<Place>>(got);
  client.create_socket(AF_UNIX);
  BOOST_CHECK_EXCEPTION(client.connect(where), std::system_error, [&](auto& e) {
    return e.code() == std::errc::connection_refused &&
           contains(e.what(), "connect " + where.to_string());
  });
  BOOST_TEST(!client.connecting());
  test::kernel::unlink(where);
  server<Place> again(loop, where, got);
  client.connect(where);  // the same socket may try again
  BOOST_TEST(test::turn_until(loop, [&] { return got.connects == 1; }));
}

// connect(2): EAGAIN is "the connection cannot be completed immediately" for these sockets.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_full_backlog_is_thrown_by_connect, Place, test::matrix) {
  const test::temporary_directory directory;
  const endpoint where = directory.address("socket");
  const test::unique_fd listener = test::bound_to(where, SOCK_STREAM, 0);
  loop_of<Place> loop;
  outcome got;
  peer<Place> first(loop, got), second(loop, got);
  for (auto* client : {&first, &second}) client->create_socket(AF_UNIX);
  first.connect(where);
  std::error_code failed;
  second.connect(where, failed);
  BOOST_TEST((failed == std::errc::resource_unavailable_try_again));
  BOOST_TEST(test::turn_until(loop, [&] { return got.connects == 1; }));
  const test::unique_fd accepted = test::accepted(listener);
  second.connect(where, failed);
  BOOST_TEST(!failed);
  BOOST_TEST(test::turn_until(loop, [&] { return got.connects == 2; }));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

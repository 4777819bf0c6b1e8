// SPDX-License-Identifier: BSL-1.0
// Datagrams over IPv4 and IPv6.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <vector>

namespace {

using asyncore::endpoint;
using asyncore::io_result;
using test::contains;
using test::outcome;

template <class Place>
struct node;
template <class Place>
struct talk;
template <class Place>
using loop_of = typename Place::template loop<node<Place>, talk<Place>>;

/// Knows no peer: sendto and recvfrom.
template <class Place>
struct node : asyncore::dispatcher<node<Place>, loop_of<Place>> {
  node(loop_of<Place>& loop, const endpoint& where)
      : asyncore::dispatcher<node<Place>, loop_of<Place>>(loop) {
    this->create_socket(where.family(), SOCK_DGRAM);
    this->bind(where);
  }
  void handle_read() {
    std::byte buffer[16];
    results.push_back(this->recvfrom(buffer, from));
    if (results.back().ok())
      messages.emplace_back(asyncore::as_text({buffer, results.back().bytes()}));
  }
  void handle_close() {
    ++closes;
    this->close();
  }
  std::vector<std::string> messages;
  std::vector<io_result> results;
  endpoint from;
  int closes = 0;
};

/// Connected to one peer: send and handle_data.
template <class Place>
struct talk : asyncore::dispatcher<talk<Place>, loop_of<Place>> {
  talk(loop_of<Place>& loop, const endpoint& to, outcome& result)
      : asyncore::dispatcher<talk<Place>, loop_of<Place>>(loop), got(result) {
    this->create_socket(to.family(), SOCK_DGRAM);
    this->connect(to);
  }
  void handle_connect() { ++got.connects; }
  void handle_data(std::span<const std::byte> data) {
    got.received += std::string(asyncore::as_text(data)) + ";";
  }
  void handle_error() { got.catch_current(); }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  outcome& got;
};

const endpoint any_v4 = endpoint::parse("127.0.0.1:0");
const endpoint any_v6 = endpoint::parse("[::1]:0");

bool has_v6() {
  const test::unique_fd fd = test::own(test::sys().socket(AF_INET6, SOCK_DGRAM));
  return fd && test::sys().bind(fd.get(), any_v6) == 0;
}

BOOST_FIXTURE_TEST_SUITE(udp, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(datagrams_go_both_ways, Place, test::matrix) {
  for (const endpoint& any : {any_v4, any_v6}) {
    if (any.family() == AF_INET6 && !has_v6()) continue;  // this machine has none
    loop_of<Place> loop;
    node<Place> one(loop, any), two(loop, any);
    BOOST_TEST(one.sendto("hello", two.local_addr()).bytes() == 5u);
    BOOST_REQUIRE(test::turn_until(loop, [&] { return two.messages.size() == 1; }));
    BOOST_TEST(two.messages[0] == "hello");
    BOOST_TEST(two.from.to_string() == one.local_addr().to_string());
    BOOST_TEST(two.sendto(std::string("back"), two.from).ok());
    BOOST_REQUIRE(test::turn_until(loop, [&] { return one.messages.size() == 1; }));
    BOOST_TEST(one.messages[0] == "back");
    BOOST_TEST(one.addr().to_string() == one.local_addr().to_string());  // it has no peer
    BOOST_TEST(!one.connected());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(messages_keep_their_bounds, Place, test::matrix) {
  loop_of<Place> loop;
  node<Place> one(loop, any_v4), two(loop, any_v4);
  for (const char* text : {"first", "", "longer than sixteen bytes", "last"})
    BOOST_TEST(one.sendto(text, two.local_addr()).ok());
  BOOST_REQUIRE(test::turn_until(loop, [&] { return two.messages.size() == 4; }));
  const std::vector<std::string> expected = {"first", "", "longer than sixt", "last"};
  BOOST_TEST(two.messages == expected, boost::test_tools::per_element());
  BOOST_TEST(two.closes == 0);  // an empty message is not an end
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_there_would_block, Place, test::matrix) {
  loop_of<Place> loop;
  node<Place> one(loop, any_v4);
  one.handle_read();
  BOOST_TEST(one.results.back().would_block());
  BOOST_TEST(!one.results.back().error());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_cannot_be_sent_is_an_error, Place, test::matrix) {
  loop_of<Place> loop;
  node<Place> one(loop, any_v4), two(loop, any_v4);
  const io_result large = one.sendto(std::string(70'000, 'x'), two.local_addr());
  BOOST_TEST((large.error() == std::errc::message_size));
  BOOST_TEST(!large.closed());
  BOOST_TEST(one.sendto("x", endpoint()).error().value() != 0);
  one.sendto("good", two.local_addr());
  BOOST_TEST(test::turn_until(loop, [&] { return two.messages.size() == 1; }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_connected_one_sends_and_receives, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  node<Place> server(loop, any_v4);
  talk<Place> client(loop, server.local_addr(), got);
  BOOST_TEST(got.connects == 0);  // never from inside connect
  BOOST_REQUIRE(test::turn_until(loop, [&] { return got.connects == 1; }));
  BOOST_TEST(client.connected());
  BOOST_TEST(client.addr().to_string() == server.local_addr().to_string());
  BOOST_TEST(client.send("ask").bytes() == 3u);
  BOOST_REQUIRE(test::turn_until(loop, [&] { return server.messages.size() == 1; }));
  for (const char* text : {"an", "", "swer"})
    server.sendto(text, server.from);
  BOOST_TEST(test::turn_until(loop, [&] { return got.received.ends_with("swer;"); }));
  BOOST_TEST(got.closes == 0);
  BOOST_TEST(got.errors == 0);
}

// Nobody has the port: an ICMP message comes back, and is the result of the next call.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_refused_datagram_reaches_handle_error, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::unique_fd taken = test::bound_to(any_v4, SOCK_DGRAM);
  const endpoint where = test::name_of(taken.get());
  talk<Place> client(loop, where, got);
  BOOST_REQUIRE(test::turn_until(loop, [&] { return got.connects == 1; }));
  taken.reset();
  BOOST_TEST(client.send("anybody?").ok());
  BOOST_REQUIRE(test::turn_until(loop, [&] { return got.errors == 1; }));
  BOOST_TEST((got.code == std::errc::connection_refused));
  BOOST_TEST(contains(got.what, "recv"), got.what);
  BOOST_TEST(got.closes == 0);
  BOOST_TEST(client.registered());  // its handle_error has not closed it

  taken = test::bound_to(where, SOCK_DGRAM);
  BOOST_TEST(client.send("now?").ok());  // and it goes on
  BOOST_TEST(test::wait_for(taken.get(), POLLIN));
  BOOST_TEST(test::take(taken) == "now?");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_first_datagram_may_be_waiting, Place, test::matrix) {
  loop_of<Place> loop;
  node<Place> one(loop, any_v4);
  node<Place> two(loop, any_v4);
  for (int i = 0; i < 20; ++i) one.sendto(std::to_string(i), two.local_addr());
  BOOST_TEST(test::turn_until(loop, [&] { return two.messages.size() == 20; }));
  BOOST_TEST(two.messages.back() == "19");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

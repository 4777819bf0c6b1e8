// SPDX-License-Identifier: BSL-1.0
// What system calls return that channels seldom make, or never in that order. As in calls.cpp, the
// real kernel is right.
#include <boost/test/unit_test.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <string>
#include <vector>

#include "../poller/reports.hpp"
#include "../../support/descriptors.hpp"

namespace {

using namespace test;

unique_fd fresh(int family = AF_INET, int type = SOCK_STREAM) {
  return checked(sys().socket(family, type));
}
std::ptrdiff_t send_to(const unique_fd& fd, std::string_view text) {
  return sys().send(fd.get(), bytes_in(text));
}
std::ptrdiff_t send_urgent(const unique_fd& fd, std::string_view text) {
  return sys().send(fd.get(), bytes_in(text), MSG_OOB);
}
std::ptrdiff_t result_of_read(const unique_fd& fd) { return read_piece(fd).result; }
int connect(const unique_fd& fd, const endpoint& to) { return sys().connect(fd.get(), to); }
int option(const unique_fd& fd, int level, int name) {
  int value = -1;
  const int status = sys().getsockopt(fd.get(), level, name, value);
  return status < 0 ? status : value;
}

BOOST_FIXTURE_TEST_SUITE(rare_calls, test::world)

// A listener at every address is found at each of them, by its port.
BOOST_AUTO_TEST_CASE(a_listener_at_every_address) {
  for (const bool v6 : {false, true}) {
    unique_fd listener = fresh(v6 ? AF_INET6 : AF_INET), other = fresh(v6 ? AF_INET6 : AF_INET);
    const endpoint loopback = endpoint::ip(v6 ? "::1" : "127.0.0.1", 0);
    if (v6 && sys().bind(other.get(), loopback) < 0) continue;  // there is no IPv6
    BOOST_REQUIRE_EQUAL(sys().bind(listener.get(), endpoint::ip(v6 ? "::" : "0.0.0.0", 0)), 0);
    BOOST_REQUIRE_EQUAL(sys().listen(listener.get(), 8), 0);
    const std::uint16_t port = name_of(listener.get()).port();
    const temporary_directory directory;
    const unique_fd local = bound_to(directory.address("socket"), SOCK_STREAM, 8);
    const unique_fd client = connected_to(endpoint::ip(v6 ? "::1" : "127.0.0.1", port));
    BOOST_TEST(wait_for(listener.get(), POLLIN));
    endpoint from, peer;
    const unique_fd accepted = own(sys().accept(listener.get(), from));
    BOOST_TEST(accepted.get() >= 0);
    BOOST_TEST((from == name_of(client.get())));
    BOOST_TEST(from.family() == (v6 ? AF_INET6 : AF_INET));
    BOOST_TEST(sys().getpeername(client.get(), peer) == 0);
    BOOST_TEST(peer.port() == port);
    BOOST_TEST(sys().bind(client.get(), loopback) == -EINVAL);  // it has an address
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_listen) {
  BOOST_TEST(sys().listen(bound_to(any_port, SOCK_DGRAM).get(), 1) == -EOPNOTSUPP);
  BOOST_TEST(sys().listen(pipe_to_near().near.get(), 1) == -ENOTSOCK);
  const ends pair = tcp_pair();
  BOOST_TEST(sys().listen(pair.near.get(), 1) == -EINVAL);
}

BOOST_AUTO_TEST_CASE(what_cannot_connect_or_be_shut_down) {
  const ends pipe = pipe_to_near();
  BOOST_TEST(connect(pipe.near, any_port) == -ENOTSOCK);
  BOOST_TEST(sys().shutdown(pipe.near.get(), SHUT_RD) == -ENOTSOCK);
  const unique_fd datagram = fresh(AF_INET, SOCK_DGRAM);
  BOOST_TEST(sys().shutdown(datagram.get(), SHUT_WR) == -ENOTCONN);
  endpoint name;
  BOOST_TEST(sys().getpeername(datagram.get(), name) == -ENOTCONN);
  const ends pair = tcp_pair();
  shut(pair.near.get(), SHUT_WR);
  shut(pair.near.get(), SHUT_WR);  // nothing more happens
  BOOST_TEST(wait_for(pair.far.get(), POLLIN));
  BOOST_TEST(result_of_read(pair.far) == 0);
}

// The backlog is full: an attempt goes on, and may be abandoned.
BOOST_AUTO_TEST_CASE(an_attempt_that_goes_on) {
  const unique_fd listener = tcp_listener(0);
  const endpoint where = name_of(listener.get());
  const unique_fd first = connected_to(where);
  const unique_fd second = fresh();
  BOOST_TEST(connect(second, where) == -EINPROGRESS);
  BOOST_TEST(connect(second, where) == -EALREADY);
  BOOST_TEST(send_to(second, "x") == -EAGAIN);
  BOOST_TEST(result_of_read(second) == -EAGAIN);
  BOOST_TEST(kernel::state_of(second.get()) == readiness::none);
}

BOOST_AUTO_TEST_CASE(attempts_that_have_failed) {
  const unique_fd refused = fresh();
  const endpoint nobody = name_of(tcp_listener(-1).get());
  BOOST_TEST(connect(refused, nobody) == -EINPROGRESS);
  BOOST_TEST(wait_for(refused.get(), POLLOUT));
  BOOST_TEST(connect(refused, nobody) == -ECONNREFUSED);  // of the first
  ends pair = tcp_pair();
  test::reset(pair.far);
  BOOST_TEST(wait_for(pair.near.get(), POLLPRI));
  BOOST_TEST(connect(pair.near, nobody) == -EISCONN);  // it has been
}

BOOST_AUTO_TEST_CASE(an_empty_write_resets_nobody) {
  ends pair = tcp_pair();
  pair.far.reset();
  BOOST_TEST(wait_for(pair.near.get(), POLLIN));
  BOOST_TEST(send_to(pair.near, "") == 0);
  BOOST_TEST(result_of_read(pair.near) == 0);
  BOOST_TEST(kernel::state_of(pair.near.get()) == (readiness::read | readiness::write));
}

BOOST_AUTO_TEST_CASE(options_belong_to_their_level) {
  const unique_fd fd = fresh();
  BOOST_TEST(option(fd, IPPROTO_TCP, TCP_NODELAY) == 0);
  BOOST_TEST(sys().setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1) == 0);
  BOOST_TEST(sys().setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1) == 0);
  BOOST_TEST(option(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
  BOOST_TEST(option(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
  BOOST_TEST(option(fd, SOL_SOCKET, SO_BROADCAST) == 0);
  BOOST_TEST(option(fd, IPPROTO_TCP, TCP_CORK) == 0);  // which has the number of SO_TYPE
  const ends pipe = pipe_to_near();
  BOOST_TEST(sys().setsockopt(pipe.near.get(), SOL_SOCKET, SO_REUSEADDR, 1) == -ENOTSOCK);
  BOOST_TEST(option(pipe.near, SOL_SOCKET, SO_ERROR) == -ENOTSOCK);
  BOOST_TEST(option(fresh(AF_INET, SOCK_DGRAM), SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
}

BOOST_AUTO_TEST_CASE(urgent_data_goes_through_streams) {
  const ends pair = tcp_pair();
  std::array<std::byte, 2> into;
  BOOST_TEST(send_urgent(fresh(AF_INET, SOCK_DGRAM), "!") < 0);
  BOOST_TEST(send_urgent(pair.far, "") == 0);
  BOOST_TEST(send_urgent(pair.far, "!") == 1);
  BOOST_TEST(wait_for(pair.near.get(), POLLPRI));
  BOOST_TEST(sys().recv(pair.near.get(), {into.data(), 0}, MSG_OOB) == 0);  // it is lost
  BOOST_TEST(sys().recv(pair.near.get(), into, MSG_OOB) == -EINVAL);
  shut(pair.far.get(), SHUT_WR);
  BOOST_TEST(send_urgent(pair.far, "!") == -EPIPE);
}

BOOST_AUTO_TEST_CASE(what_is_unread) {
  const unique_fd datagram = bound_to(any_port, SOCK_DGRAM), sender = fresh(AF_INET, SOCK_DGRAM);
  BOOST_TEST(sys().unread(datagram.get()) == 0);
  for (const char* const text : {"first", "and"})
    BOOST_TEST(sys().sendto(sender.get(), bytes_in(text), name_of(datagram.get())) > 0);
  BOOST_TEST(wait_for(datagram.get(), POLLIN));
  BOOST_TEST(sys().unread(datagram.get()) == 5);
  BOOST_TEST(sys().unread(tcp_listener().get()) == -EINVAL);
}

BOOST_AUTO_TEST_CASE(a_stream_has_no_sender) {
  const ends pair = tcp_pair();
  put(pair.far, "abc");
  BOOST_TEST(wait_for(pair.near.get(), POLLIN));
  std::array<std::byte, 8> into;
  endpoint from = any_port;
  BOOST_TEST(sys().recvfrom(pair.near.get(), into, from) == 3);
  BOOST_TEST(!from);
  const temporary_directory directory;
  const unique_fd listener = bound_to(directory.address("socket"), SOCK_STREAM, 1);
  BOOST_TEST(result_of_read(listener) == -EINVAL);
}

BOOST_AUTO_TEST_CASE(a_datagram_that_nobody_took) {
  endpoint nobody;
  {
    const unique_fd gone = bound_to(any_port, SOCK_DGRAM);
    nobody = name_of(gone.get());
  }
  const unique_fd fd = fresh(AF_INET, SOCK_DGRAM);
  BOOST_TEST(connect(fd, nobody) == 0);
  BOOST_TEST(send_to(fd, "anybody?") == 8);
  BOOST_TEST(wait_for(fd.get(), POLLIN));
  BOOST_TEST(send_to(fd, "still?") == -ECONNREFUSED);  // of the one before
}

BOOST_AUTO_TEST_CASE(datagrams_of_unix_sockets) {
  const temporary_directory directory;
  unique_fd one = bound_to(directory.address("one"), SOCK_DGRAM);
  const unique_fd two = bound_to(directory.address("two"), SOCK_DGRAM);
  const unique_fd nameless = fresh(AF_UNIX, SOCK_DGRAM);
  BOOST_TEST(connect(two, name_of(one.get())) == 0);
  BOOST_TEST(send_to(two, "hello") == 5);
  std::array<std::byte, 8> into;
  endpoint from;
  BOOST_TEST(sys().recvfrom(one.get(), into, from) == 5);
  BOOST_TEST((from == name_of(two.get())));
  BOOST_TEST(sys().sendto(nameless.get(), bytes_in("x"), name_of(two.get())) == -EPERM);
  std::ptrdiff_t n = 0;
  int sent = 0;  // until no more are kept
  while (sent < 1000 && (n = sys().sendto(nameless.get(), bytes_in("x"), name_of(one.get()))) == 1)
    ++sent;
  BOOST_TEST(n == -EAGAIN);
  BOOST_TEST(sent > 0);
  one.reset();
  BOOST_TEST(send_to(two, "x") == -ECONNREFUSED);
}

BOOST_AUTO_TEST_CASE(datagrams_that_are_too_many_are_lost) {
  const unique_fd one = bound_to(any_port, SOCK_DGRAM), two = fresh(AF_INET, SOCK_DGRAM);
  kernel::limit_buffers(one.get(), 4096);
  for (int i = 0; i < 200; ++i)
    BOOST_TEST(sys().sendto(two.get(), bytes_in("one of many"), name_of(one.get())) == 11);
  BOOST_TEST(wait_for(one.get(), POLLIN));
  int arrived = 0;
  while (arrived < 200 && result_of_read(one) == 11) ++arrived;
  BOOST_TEST(arrived > 0);
  BOOST_TEST(arrived < 200);
}

BOOST_AUTO_TEST_CASE(writing_into_a_file) {
  const unique_fd file = file_of("0123456789");
  std::string a = "ab", none;
  const std::array<iovec, 2> pieces{iovec{none.data(), 0}, iovec{a.data(), a.size()}};
  BOOST_TEST(sys().writev(file.get(), pieces) == 2);
  kernel::rewind(file.get());
  BOOST_TEST(read_piece(file).bytes == "ab23456789");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// What system calls return for listeners, datagrams and sockets that are not connected, in
// situations that channels live through. The real kernel is right; the simulated one is held to it
// by the same cases.
#include <boost/test/unit_test.hpp>

#include <array>
#include <string>

#include "results.hpp"

namespace {

using namespace test;

constexpr readiness in = readiness::read, out = readiness::write, hup = readiness::hangup,
                    err = readiness::error;

BOOST_FIXTURE_TEST_SUITE(socket_calls, test::world)

BOOST_AUTO_TEST_CASE(sockets_that_are_not_connected) {
  const unique_fd tcp = fresh(), local = fresh(AF_UNIX);
  BOOST_TEST(result_of_read(tcp) == -ENOTCONN);
  BOOST_TEST(write_to(tcp, "x") == -EPIPE);
  BOOST_TEST(state_of(tcp) == (out | hup));
  BOOST_TEST(result_of_read(local) == -EINVAL);
  BOOST_TEST(write_to(local, "x") == -ENOTCONN);
  BOOST_TEST(state_of(local) == (out | hup));
  endpoint name;
  BOOST_TEST(sys().accept(tcp.get(), name) == -EINVAL);
  for (const unique_fd* fd : {&tcp, &local}) {
    BOOST_TEST(sys().getpeername(fd->get(), name) == -ENOTCONN);
    BOOST_TEST(sys().shutdown(fd->get(), SHUT_WR) == (fd == &tcp ? -ENOTCONN : 0));
    BOOST_TEST(error_of(*fd) == 0);
  }
  BOOST_TEST(sys().listen(local.get(), 1) == -EINVAL);  // it has no name
  BOOST_TEST(name_of(tcp.get()).to_string() == "0.0.0.0:0");
  BOOST_TEST(name_of(local.get()).to_string() == "unix:");
}

BOOST_AUTO_TEST_CASE(connections_that_are_refused) {
  const endpoint nobody = name_of(tcp_listener(-1).get());
  const unique_fd fd = fresh();
  BOOST_TEST(sys().connect(fd.get(), nobody) == -EINPROGRESS);
  BOOST_TEST(wait_for(fd.get(), POLLOUT));
  BOOST_TEST(state_of(fd) == (in | out | err | hup));
  BOOST_TEST(error_of(fd) == ECONNREFUSED);
  BOOST_TEST(error_of(fd) == 0);
  BOOST_TEST(sys().connect(fd.get(), nobody) == -ECONNABORTED);  // Linux says so once more
  const unique_fd listener = tcp_listener();
  BOOST_TEST(sys().connect(fd.get(), name_of(listener.get())) == -EINPROGRESS);
  BOOST_TEST(wait_for(fd.get(), POLLOUT));
  BOOST_TEST(error_of(fd) == 0);
  BOOST_TEST(state_of(fd) == out);
  BOOST_TEST(sys().connect(fd.get(), nobody) == 0);  // Linux says once that it is done
  BOOST_TEST(sys().connect(fd.get(), nobody) == -EISCONN);
}

BOOST_AUTO_TEST_CASE(listeners) {
  const unique_fd listener = tcp_listener();
  endpoint from;
  BOOST_TEST(sys().accept(listener.get(), from) == -EAGAIN);
  BOOST_TEST(state_of(listener) == readiness::none);
  BOOST_TEST(result_of_read(listener) == -ENOTCONN);
  BOOST_TEST(sys().bind(listener.get(), any_port) == -EINVAL);
  BOOST_TEST(sys().listen(listener.get(), 8) == 0);
  const unique_fd other = fresh();
  BOOST_TEST(sys().bind(other.get(), name_of(listener.get())) == -EADDRINUSE);
  unique_fd client = connected_to(name_of(listener.get()));
  BOOST_TEST(wait_for(listener.get(), POLLIN));
  BOOST_TEST(state_of(listener) == in);
  const unique_fd peer = own(sys().accept(listener.get(), from));
  BOOST_TEST((from == name_of(client.get())));
  BOOST_TEST((name_of(peer.get()) == name_of(listener.get())));
  endpoint seen;
  BOOST_TEST(sys().getpeername(client.get(), seen) == 0);
  BOOST_TEST((seen == name_of(listener.get())));
  BOOST_TEST(state_of(listener) == readiness::none);
}

// Clients that are gone when they are accepted, with what they had sent.
BOOST_AUTO_TEST_CASE(clients_that_left_early) {
  const unique_fd listener = tcp_listener();
  unique_fd first = connected_to(name_of(listener.get()));
  unique_fd second = connected_to(name_of(listener.get()));
  put(first, "hello");
  first.reset();
  test::reset(second);
  const unique_fd one = accepted(listener), two = accepted(listener);
  BOOST_TEST(wait_for(one.get(), POLLIN));
  BOOST_TEST(read_from(one) == "hello");
  BOOST_TEST(result_of_read(one) == 0);
  BOOST_TEST(wait_for(two.get(), POLLIN));
  BOOST_TEST(result_of_read(two) == -ECONNRESET);
}

BOOST_AUTO_TEST_CASE(listeners_that_close) {
  const temporary_directory directory;
  for (const endpoint& where : {any_port, directory.address("socket")}) {
    unique_fd listener = bound_to(where, SOCK_STREAM, 8);
    const unique_fd waiting = connected_to(name_of(listener.get()));
    put(waiting, "x");
    listener.reset();
    BOOST_TEST(wait_for(waiting.get(), POLLIN));
    BOOST_TEST(result_of_read(waiting) == -ECONNRESET);
  }
}

BOOST_AUTO_TEST_CASE(paths) {
  const temporary_directory directory;
  const endpoint where = directory.address("socket");
  const unique_fd client = fresh(AF_UNIX), other = fresh(AF_UNIX);
  BOOST_TEST(sys().connect(client.get(), where) == -ENOENT);
  unique_fd listener = bound_to(where);
  BOOST_TEST(sys().connect(client.get(), where) == -ECONNREFUSED);
  BOOST_TEST(sys().bind(other.get(), where) == -EADDRINUSE);
  BOOST_TEST(sys().listen(listener.get(), 0) == 0);
  BOOST_TEST(sys().connect(client.get(), where) == 0);
  BOOST_TEST(state_of(client) == out);
  BOOST_TEST(sys().connect(other.get(), where) == -EAGAIN);  // the backlog is full
  const unique_fd peer = accepted(listener);
  BOOST_TEST(sys().connect(client.get(), where) == -EISCONN);
  BOOST_TEST(name_of(client.get()).to_string() == "unix:");
  BOOST_TEST((name_of(peer.get()) == where));
  listener.reset();
  BOOST_TEST(sys().connect(other.get(), where) == -ECONNREFUSED);  // the path is left
  BOOST_TEST(sys().bind(other.get(), where) == -EADDRINUSE);
  kernel::unlink(where);
  BOOST_TEST(sys().bind(other.get(), where) == 0);
}

BOOST_AUTO_TEST_CASE(datagrams) {
  const unique_fd one = bound_to(any_port, SOCK_DGRAM), two = fresh(AF_INET, SOCK_DGRAM);
  BOOST_TEST(state_of(one) == out);
  BOOST_TEST(write_to(one, "x") == -EDESTADDRREQ);
  BOOST_TEST(sys().sendto(two.get(), bytes_in("first"), name_of(one.get())) == 5);
  BOOST_TEST(sys().sendto(two.get(), bytes_in(""), name_of(one.get())) == 0);
  BOOST_TEST(sys().sendto(two.get(), bytes_in("truncated"), name_of(one.get())) == 9);
  const std::string much(70'000, 'x');
  BOOST_TEST(sys().sendto(two.get(), bytes_in(much), name_of(one.get())) == -EMSGSIZE);
  BOOST_TEST(name_of(two.get()).port() != 0);
  BOOST_TEST(wait_for(one.get(), POLLIN));
  BOOST_TEST(state_of(one) == (in | out));
  std::array<std::byte, 5> into;
  endpoint from;
  BOOST_TEST(sys().recvfrom(one.get(), into, from) == 5);
  BOOST_TEST(from.port() == name_of(two.get()).port());
  BOOST_TEST(sys().recvfrom(one.get(), into, from) == 0);
  BOOST_TEST(sys().recvfrom(one.get(), into, from) == 5);
  BOOST_TEST(asyncore::as_text(into) == "trunc");
  BOOST_TEST(sys().recvfrom(one.get(), into, from) == -EAGAIN);
}

// One that is connected hears its peer only, and of a port that nobody has.
BOOST_AUTO_TEST_CASE(connected_datagrams) {
  unique_fd one = bound_to(any_port, SOCK_DGRAM);
  const unique_fd two = fresh(AF_INET, SOCK_DGRAM), stranger = fresh(AF_INET, SOCK_DGRAM);
  BOOST_TEST(sys().connect(two.get(), name_of(one.get())) == 0);
  BOOST_TEST(write_to(two, "ask") == 3);
  BOOST_TEST(wait_for(one.get(), POLLIN));
  BOOST_TEST(sys().sendto(stranger.get(), bytes_in("noise"), name_of(two.get())) == 5);
  BOOST_TEST(sys().sendto(one.get(), bytes_in("answer"), name_of(two.get())) == 6);
  BOOST_TEST(wait_for(two.get(), POLLIN));
  BOOST_TEST(read_from(two) == "answer");
  BOOST_TEST(result_of_read(two) == -EAGAIN);
  one.reset();
  BOOST_TEST(write_to(two, "anybody?") == 8);
  BOOST_TEST(wait_for(two.get(), POLLIN));
  BOOST_TEST(any(state_of(two), err));
  BOOST_TEST(result_of_read(two) == -ECONNREFUSED);
  BOOST_TEST(result_of_read(two) == -EAGAIN);
}

BOOST_AUTO_TEST_CASE(options_are_kept) {
  const unique_fd fd = fresh();
  int value = -1;
  BOOST_TEST(sys().getsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, value) == 0);
  BOOST_TEST(value == 0);
  BOOST_TEST(sys().setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1) == 0);
  BOOST_TEST(sys().getsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, value) == 0);
  BOOST_TEST(value == 1);
  BOOST_TEST(sys().getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, value) == 0);
  BOOST_TEST(value == SOCK_STREAM);
  BOOST_TEST(sys().socket(AF_INET, 4711) < 0);
}

BOOST_AUTO_TEST_CASE(urgent_data) {
  const ends pair = tcp_pair();
  std::array<std::byte, 2> into;
  BOOST_TEST(sys().recv(pair.near.get(), into, MSG_OOB) == -EINVAL);
  put_urgent(pair.far);
  BOOST_TEST(wait_for(pair.near.get(), POLLPRI));
  BOOST_TEST(any(state_of(pair.near), readiness::expt));
  BOOST_TEST(sys().recv(pair.near.get(), into, MSG_OOB) == 1);
  BOOST_TEST(!any(state_of(pair.near), readiness::expt));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

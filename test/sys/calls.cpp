// SPDX-License-Identifier: BSL-1.0
// What system calls return in situations that channels live through. The real kernel is right; the
// simulated one is held to it by running the same cases.
#include <asyncore/interest.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <ostream>
#include <string>
#include <vector>

#include "../poller/reports.hpp"
#include "../support/descriptors.hpp"

namespace {

using namespace test;

constexpr readiness in = readiness::read, out = readiness::write, hup = readiness::hangup,
                    err = readiness::error;

std::ptrdiff_t write_to(const unique_fd& fd, std::string_view text) {
  return sys().send(fd.get(), bytes_in(text));
}
std::string read_from(const unique_fd& fd) { return read_piece(fd).bytes; }
std::ptrdiff_t result_of_read(const unique_fd& fd) { return read_piece(fd).result; }
readiness state_of(const unique_fd& fd) { return kernel::state_of(fd.get()); }
int error_of(const unique_fd& fd) {
  int value = -1;
  BOOST_REQUIRE_EQUAL(sys().getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, value), 0);
  return value;
}
unique_fd fresh(int family = AF_INET, int type = SOCK_STREAM) {
  return checked(sys().socket(family, type));
}
constexpr auto both_kinds = {tcp_pair, socket_pair};

BOOST_FIXTURE_TEST_SUITE(system_calls, test::world)

BOOST_AUTO_TEST_CASE(buffers_are_bounded) {
  for (const auto make : {socket_pair, pipe_from_near}) {
    const ends pair = make();
    BOOST_TEST(any(state_of(pair.near), out));
    const std::size_t full = fill(pair.near);
    BOOST_TEST(full >= 4096u);
    BOOST_TEST(sys().write(pair.near.get(), bytes_in("x")) == -EAGAIN);
    BOOST_TEST(!any(state_of(pair.near), out));
    BOOST_TEST(take(pair.far).size() == full);
    BOOST_TEST(any(state_of(pair.near), out));
    BOOST_TEST(result_of_read(pair.far) == -EAGAIN);
  }
}

BOOST_AUTO_TEST_CASE(bytes_keep_their_order) {
  for (const auto make : both_kinds) {
    const ends pair = make();
    BOOST_TEST(write_to(pair.near, "ab") == 2);
    const std::string second = "cde", third = "f";
    const std::array<iovec, 2> pieces{iovec{const_cast<char*>(second.data()), 3},
                                      iovec{const_cast<char*>(third.data()), 1}};
    BOOST_TEST(sys().sendmsg(pair.near.get(), pieces) == 4);
    BOOST_TEST(wait_for(pair.far.get(), POLLIN));
    BOOST_TEST(sys().unread(pair.far.get()) == 6);
    std::array<std::byte, 4> some;
    BOOST_TEST(sys().recv(pair.far.get(), some) == 4);
    BOOST_TEST(asyncore::as_text(some) == "abcd");
    BOOST_TEST(sys().recv(pair.far.get(), {}) == 0);
    BOOST_TEST(read_from(pair.far) == "ef");
    BOOST_TEST(sys().unread(pair.far.get()) == 0);
    BOOST_TEST(write_to(pair.near, "") == 0);
  }
}

// Law 3: what has been written is read before the end.
BOOST_AUTO_TEST_CASE(half_close) {
  for (const auto make : both_kinds) {
    const ends pair = make();
    write_to(pair.near, "last");
    shut(pair.near.get(), SHUT_WR);
    BOOST_TEST(write_to(pair.near, "x") == -EPIPE);
    BOOST_TEST(wait_for(pair.far.get(), POLLIN));
    BOOST_TEST(read_from(pair.far) == "last");
    BOOST_TEST(result_of_read(pair.far) == 0);
    BOOST_TEST(result_of_read(pair.far) == 0);
    BOOST_TEST(state_of(pair.far) == (in | out));
    BOOST_TEST(write_to(pair.far, "answer") == 6);
    BOOST_TEST(wait_for(pair.near.get(), POLLIN));
    BOOST_TEST(read_from(pair.near) == "answer");
    shut(pair.far.get(), SHUT_WR);
    BOOST_TEST(wait_for(pair.near.get(), POLLIN));
    BOOST_TEST(state_of(pair.near) == (in | out | hup));
    BOOST_TEST(state_of(pair.far) == (in | out | hup));
    BOOST_TEST(result_of_read(pair.near) == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_peer_that_closes) {
  ends tcp = tcp_pair(), local = socket_pair();
  for (ends* pair : {&tcp, &local}) {
    write_to(pair->far, "tail");
    pair->far.reset();
    BOOST_TEST(wait_for(pair->near.get(), POLLIN));
    BOOST_TEST(state_of(pair->near) == (pair == &tcp ? in | out : in | out | hup));
    BOOST_TEST(read_from(pair->near) == "tail");
    BOOST_TEST(result_of_read(pair->near) == 0);
  }
  // The first write to a closed TCP socket succeeds, and is answered by a reset.
  BOOST_TEST(write_to(local.near, "x") == -EPIPE);
  BOOST_TEST(write_to(tcp.near, "x") == 1);
  BOOST_TEST(wait_for(tcp.near.get(), POLLPRI));  // its error or hangup
  BOOST_TEST(state_of(tcp.near) == (in | out | err | hup));
  BOOST_TEST(write_to(tcp.near, "x") == -EPIPE);
  BOOST_TEST(result_of_read(tcp.near) == 0);
}

// Close with unread bytes, and the peer is reset.
BOOST_AUTO_TEST_CASE(a_peer_that_closes_without_reading) {
  for (const auto make : both_kinds) {
    ends pair = make();
    write_to(pair.near, "unread");
    BOOST_TEST(wait_for(pair.far.get(), POLLIN));
    write_to(pair.far, "tail");
    BOOST_TEST(wait_for(pair.near.get(), POLLIN));
    pair.far.reset();
    BOOST_TEST(wait_for(pair.near.get(), POLLPRI));
    BOOST_TEST(any(state_of(pair.near), err));
    BOOST_TEST(any(state_of(pair.near), hup));
    BOOST_TEST(read_from(pair.near) == "tail");
    BOOST_TEST(result_of_read(pair.near) == -ECONNRESET);  // once
    BOOST_TEST(result_of_read(pair.near) == 0);
    BOOST_TEST(write_to(pair.near, "x") == -EPIPE);
  }
}

BOOST_AUTO_TEST_CASE(a_reset) {
  ends pair = tcp_pair();
  write_to(pair.far, "tail");
  BOOST_TEST(wait_for(pair.near.get(), POLLIN));
  test::reset(pair.far);
  BOOST_TEST(wait_for(pair.near.get(), POLLPRI));
  BOOST_TEST(state_of(pair.near) == (in | out | err | hup));
  BOOST_TEST(read_from(pair.near) == "tail");
  BOOST_TEST(error_of(pair.near) == ECONNRESET);
  BOOST_TEST(error_of(pair.near) == 0);
  BOOST_TEST(state_of(pair.near) == (in | out | hup));
  BOOST_TEST(result_of_read(pair.near) == 0);
  BOOST_TEST(write_to(pair.near, "x") == -EPIPE);
  endpoint name;
  BOOST_TEST(sys().getpeername(pair.near.get(), name) == -ENOTCONN);
  BOOST_TEST(sys().shutdown(pair.near.get(), SHUT_WR) == -ENOTCONN);
}

BOOST_AUTO_TEST_CASE(pipes) {
  ends pipe = pipe_to_near();
  BOOST_TEST(result_of_read(pipe.near) == -EAGAIN);
  BOOST_TEST(sys().write(pipe.near.get(), bytes_in("x")) == -EBADF);
  BOOST_TEST(result_of_read(pipe.far) == -EBADF);
  put(pipe.far, "tail");
  BOOST_TEST(state_of(pipe.near) == in);
  pipe.far.reset();
  BOOST_TEST(state_of(pipe.near) == (in | hup));
  BOOST_TEST(read_from(pipe.near) == "tail");
  BOOST_TEST(state_of(pipe.near) == hup);
  BOOST_TEST(result_of_read(pipe.near) == 0);
  ends other = pipe_from_near();
  other.far.reset();
  BOOST_TEST(state_of(other.near) == (out | err));
  BOOST_TEST(sys().write(other.near.get(), bytes_in("x")) == -EPIPE);
}

// POSIX: the lowest number that is free.
BOOST_AUTO_TEST_CASE(numbers_are_used_again) {
  std::vector<unique_fd> all;
  for (int i = 0; i < 6; ++i) all.push_back(fresh());
  const int third = all[2].get(), fifth = all[4].get();
  BOOST_TEST(third < fifth);
  all[4].reset();
  all[2].reset();
  BOOST_TEST(!is_open(third));
  unique_fd again = fresh();
  BOOST_TEST(again.get() == third);
  BOOST_TEST(copy_of(again.get()).get() == fifth);
  BOOST_TEST(copy_of(again.get(), 500).get() == 500);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE(descriptors_run_out) {
  const unique_fd listener = tcp_listener();
  const unique_fd client = connected_to(name_of(listener.get()));
  BOOST_TEST(wait_for(listener.get(), POLLIN));
  const kernel::limit_descriptors limit(100);
  std::vector<unique_fd> all;
  int fd = 0;
  while ((fd = sys().socket(AF_INET, SOCK_STREAM)) >= 0) all.push_back(own(fd));
  BOOST_TEST(fd == -EMFILE);
  BOOST_TEST(all.back().get() == 99);
  endpoint from;
  BOOST_TEST(sys().accept(listener.get(), from) == -EMFILE);
  BOOST_TEST(sys().dup(listener.get()) == -EMFILE);
  all.pop_back();
  const unique_fd peer = own(sys().accept(listener.get(), from));  // it has waited
  BOOST_TEST(peer.get() == 99);
}

// Of two descriptors for one description, the first that is closed ends nothing.
BOOST_AUTO_TEST_CASE(duplicates) {
  ends pair = tcp_pair();
  unique_fd copy = copy_of(pair.near.get());
  pair.near.reset();
  write_to(copy, "still there");
  BOOST_TEST(wait_for(pair.far.get(), POLLIN));
  BOOST_TEST(read_from(pair.far) == "still there");
  BOOST_TEST(result_of_read(pair.far) == -EAGAIN);
  copy.reset();
  BOOST_TEST(wait_for(pair.far.get(), POLLIN));
  BOOST_TEST(result_of_read(pair.far) == 0);
}

BOOST_AUTO_TEST_CASE(files) {
  const unique_fd file = file_of("content");
  const unique_fd copy = copy_of(file.get());
  std::array<std::byte, 3> some;
  BOOST_TEST(sys().read(file.get(), some) == 3);
  BOOST_TEST(read_from(copy) == "tent");  // they share a position
  BOOST_TEST(result_of_read(file) == 0);
  BOOST_TEST(sys().write(file.get(), bytes_in("!")) == 1);
  kernel::rewind(file.get());
  BOOST_TEST(read_from(file) == "content!");
  BOOST_TEST(state_of(file) == (in | out));
  int value = 0;
  BOOST_TEST(sys().getsockopt(file.get(), SOL_SOCKET, SO_TYPE, value) == -ENOTSOCK);
  BOOST_TEST(sys().recv(file.get(), some) == -ENOTSOCK);
  BOOST_TEST(sys().send(file.get(), bytes_in("x")) == -ENOTSOCK);
}

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

// Law 4: those that cannot be masked.
BOOST_AUTO_TEST_CASE_TEMPLATE(hangups_come_unasked, Poller, all_pollers) {
  ends pipe = pipe_to_near();
  Poller poller;
  const token t{pipe.near.get(), 1};
  BOOST_REQUIRE(!poller.add(t, interest::none));
  pipe.far.reset();
  const bool by_select = requires { Poller::fd_limit; };
  BOOST_TEST(wait(poller) == (by_select ? reports() : reports({{t, hup}})));
  poller.remove(t);
  BOOST_TEST(wait(poller).empty());
}

// Law 6: epoll watches what a descriptor stands for, and that lives as long as a duplicate.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_duplicate_goes_on_reporting, Poller, all_pollers) {
  if (Poller::name.find("epoll") == Poller::name.npos) return;
  kernel::be_careless();
  ends pipe = pipe_to_near();
  Poller poller;
  const token t{pipe.near.get(), 1};
  BOOST_REQUIRE(!poller.add(t, interest::read));
  unique_fd copy = copy_of(pipe.near.get());
  put(pipe.far, "x");
  pipe.near.reset();
  BOOST_TEST(wait(poller) == reports({{t, in}}));
  copy.reset();
  BOOST_TEST(wait(poller).empty());
}

// Law 7.
BOOST_AUTO_TEST_CASE_TEMPLATE(files_are_always_ready, Poller, all_pollers) {
  const unique_fd file = file_of("");
  Poller poller;
  const token t{file.get(), 1};
  BOOST_REQUIRE(!poller.add(t, interest::read | interest::write));
  BOOST_TEST(wait(poller, {}) == reports({{t, in | out}}));
  BOOST_REQUIRE(!poller.modify(t, interest::none));
  BOOST_TEST(wait(poller).empty());
  poller.remove(t);
}

// Law 11: a wait takes its time, in the clock that channels see.
BOOST_AUTO_TEST_CASE_TEMPLATE(waits_move_the_clock, Poller, all_pollers) {
  const ends pipe = pipe_to_near();
  Poller poller;
  const token t{pipe.near.get(), 1};
  BOOST_REQUIRE(!poller.add(t, interest::read));
  const auto before = sys().now();
  BOOST_TEST(wait(poller, std::chrono::microseconds(1500)).empty());
  BOOST_TEST((sys().now() - before >= std::chrono::microseconds(1500)));
  put(pipe.far, "x");
  const auto start = sys().now();
  BOOST_TEST(wait(poller, std::chrono::hours(1)).size() == 1u);
  BOOST_TEST((sys().now() - start < std::chrono::minutes(1)));
  poller.remove(t);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

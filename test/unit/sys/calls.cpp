// SPDX-License-Identifier: BSL-1.0
// What system calls return for descriptors, streams, pipes and files, in situations that channels
// live through. The real kernel is right; the simulated one is held to it by the same cases.
#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <vector>

#include "results.hpp"

namespace {

using namespace test;

constexpr readiness in = readiness::read, out = readiness::write, hup = readiness::hangup,
                    err = readiness::error;
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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

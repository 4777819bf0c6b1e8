// SPDX-License-Identifier: BSL-1.0
// A system whose bytes are counted makes each call, and counts what each moved.
#include <asyncore/sys/observed_system.hpp>

#include <asyncore/poller/observed.hpp>
#include <asyncore/poller/poll.hpp>
#include <asyncore/sys/posix_system.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <string>

#include "../../support/descriptors.hpp"

namespace {

using namespace test;

struct byte_counter {
  void received(std::size_t n) noexcept { in += n; }
  void sent(std::size_t n) noexcept { out += n; }
  std::size_t in = 0, out = 0;
};
using observed = asyncore::observed_system<asyncore::posix_system, byte_counter>;
static_assert(asyncore::system_calls<observed>);

struct scene {
  byte_counter counts;
  observed calls{asyncore::posix_system(), counts};
  std::array<std::byte, 16> into{};
};

BOOST_AUTO_TEST_SUITE(observed_systems)

BOOST_FIXTURE_TEST_CASE(each_way_to_send_and_receive_counts, scene) {
  std::string text = "abc";
  const std::array<iovec, 2> pieces{iovec{text.data(), 3}, iovec{text.data(), 2}};
  const ends pair = socket_pair(), pipe = pipe_to_near();
  BOOST_TEST(calls.send(pair.near.get(), bytes_in(text)) == 3);
  BOOST_TEST(calls.sendmsg(pair.near.get(), pieces) == 5);
  BOOST_TEST(calls.write(pipe.far.get(), bytes_in(text)) == 3);
  BOOST_TEST(calls.writev(pipe.far.get(), pieces) == 5);
  BOOST_TEST(counts.out == 16u);
  BOOST_TEST(calls.unread(pair.far.get()) == 8);
  BOOST_TEST(calls.recv(pair.far.get(), into) == 8);
  BOOST_TEST(calls.read(pipe.near.get(), into) == 8);
  BOOST_TEST(counts.in == 16u);
  const unique_fd one = bound_to(any_port, SOCK_DGRAM), two = bound_to(any_port, SOCK_DGRAM);
  BOOST_TEST(calls.sendto(one.get(), bytes_in("hello"), name_of(two.get())) == 5);
  BOOST_TEST(wait_for(two.get(), POLLIN));
  endpoint from;
  BOOST_TEST(calls.recvfrom(two.get(), into, from) == 5);
  BOOST_TEST((from == name_of(one.get())));
  BOOST_TEST(counts.out == 21u);
  BOOST_TEST(counts.in == 21u);
}

BOOST_FIXTURE_TEST_CASE(what_fails_moves_nothing, scene) {
  ends pair = socket_pair();
  BOOST_TEST(calls.recv(pair.near.get(), into) == -EAGAIN);
  pair.far.reset();
  BOOST_TEST(calls.recv(pair.near.get(), into) == 0);
  BOOST_TEST(calls.send(pair.near.get(), bytes_in("x")) == -EPIPE);
  BOOST_TEST(counts.in == 0u);
  BOOST_TEST(counts.out == 0u);
}

BOOST_FIXTURE_TEST_CASE(other_calls_pass, scene) {
  const unique_fd listener = checked(calls.socket(AF_INET, SOCK_STREAM));
  const unique_fd client = checked(calls.socket(AF_INET, SOCK_STREAM));
  BOOST_TEST(calls.setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, 1) == 0);
  BOOST_TEST(calls.bind(listener.get(), any_port) == 0);
  BOOST_TEST(calls.listen(listener.get(), 4) == 0);
  endpoint name, from;
  BOOST_TEST(calls.getsockname(listener.get(), name) == 0);
  BOOST_TEST(calls.connect(client.get(), name) == -EINPROGRESS);
  BOOST_TEST(wait_for(client.get(), POLLOUT));
  const unique_fd peer = checked(calls.accept(listener.get(), from));
  BOOST_TEST(calls.getpeername(client.get(), from) == 0);
  BOOST_TEST((from == name));
  int error = -1;
  BOOST_TEST(calls.getsockopt(client.get(), SOL_SOCKET, SO_ERROR, error) == 0);
  BOOST_TEST(error == 0);
  unique_fd copy = checked(calls.dup(client.get()));
  BOOST_TEST(calls.set_nonblocking(copy.get()) == 0);
  BOOST_TEST(calls.shutdown(copy.get(), SHUT_WR) == 0);
  BOOST_TEST(wait_for(peer.get(), POLLIN));
  BOOST_TEST(calls.recv(peer.get(), into) == 0);
  BOOST_TEST(calls.reset_on_close(peer.get()) == 0);
  const int number = copy.release();
  BOOST_TEST(calls.close(number) == 0);
  BOOST_TEST(!is_open(number));
  BOOST_TEST((calls.closer() == nullptr));
  BOOST_TEST((calls.now() > std::chrono::nanoseconds(0)));
}

BOOST_AUTO_TEST_CASE(the_observer_may_be_looked_at) {
  const asyncore::observed<asyncore::poll_poller, byte_counter> poller;
  BOOST_TEST(poller.observer().in == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

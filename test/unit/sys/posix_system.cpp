// SPDX-License-Identifier: BSL-1.0
#include <asyncore/sys/posix_system.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <string>
#include <type_traits>
#include <vector>

#include "../../support/descriptors.hpp"
#include "../../support/signals.hpp"

namespace {

using namespace test;
using system_ = asyncore::posix_system;
using namespace std::chrono_literals;

static_assert(std::is_empty_v<system_> && asyncore::system_calls<system_>);

bool has_flag(int fd, int flag) { return (::fcntl(fd, F_GETFL) & flag) != 0; }
bool closes_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

struct buffer {
  operator std::span<std::byte>() { return bytes; }
  std::string_view text(std::ptrdiff_t n) const {
    return {reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(n)};
  }
  std::array<std::byte, 64> bytes{};
};

std::array<iovec, 2> two_pieces() {
  static char first[] = "ab", second[] = "cde";
  return {iovec{first, 2}, iovec{second, 3}};
}

// A blocking pair, so that calls wait and are interrupted.
ends blocking_pair() {
  int fds[2] = {-1, -1};
  BOOST_REQUIRE_EQUAL(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  return {unique_fd(fds[0]), unique_fd(fds[1])};
}

BOOST_AUTO_TEST_SUITE(posix_system)

BOOST_AUTO_TEST_CASE(makes_sockets_non_blocking_and_close_on_exec) {
  for (const int family : {AF_INET, AF_UNIX}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      const unique_fd fd = checked(system_::socket(family, type));
      BOOST_TEST(has_flag(fd.get(), O_NONBLOCK));
      BOOST_TEST(closes_on_exec(fd.get()));
      int found = 0;
      BOOST_TEST(system_::getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, found) == 0);
      BOOST_TEST(found == type);
    }
  }
}

BOOST_AUTO_TEST_CASE(accepts_connections) {
  const unique_fd listener = checked(system_::socket(AF_INET, SOCK_STREAM));
  BOOST_REQUIRE_EQUAL(system_::bind(listener.get(), endpoint::parse("127.0.0.1:0")), 0);
  BOOST_REQUIRE_EQUAL(system_::listen(listener.get(), 8), 0);
  endpoint from = endpoint::parse("unix:/stale"), name;
  BOOST_TEST(system_::accept(listener.get(), from) == -EAGAIN);
  BOOST_TEST(from.size() == 0u);
  BOOST_REQUIRE_EQUAL(system_::getsockname(listener.get(), name), 0);

  const unique_fd client = checked(system_::socket(AF_INET, SOCK_STREAM));
  const int status = system_::connect(client.get(), name);
  BOOST_REQUIRE((status == 0 || status == -EINPROGRESS));
  BOOST_REQUIRE(wait_for(listener.get(), POLLIN));
  const unique_fd peer = checked(system_::accept(listener.get(), from));
  BOOST_TEST(has_flag(peer.get(), O_NONBLOCK));
  BOOST_TEST(closes_on_exec(peer.get()));

  endpoint client_name, peer_name;
  BOOST_TEST(system_::getsockname(client.get(), client_name) == 0);
  BOOST_TEST(from.to_string() == client_name.to_string());
  BOOST_TEST(system_::getpeername(client.get(), peer_name) == 0);
  BOOST_TEST(peer_name.to_string() == name.to_string());
}

BOOST_AUTO_TEST_CASE(says_that_nothing_listens) {
  const endpoint nobody = [] {
    const unique_fd bound = tcp_listener(-1);
    return name_of(bound.get());
  }();
  const unique_fd client = checked(system_::socket(AF_INET, SOCK_STREAM));
  int error = -system_::connect(client.get(), nobody);
  if (error == EINPROGRESS) {
    BOOST_REQUIRE(wait_for(client.get(), POLLOUT));
    BOOST_TEST(system_::getsockopt(client.get(), SOL_SOCKET, SO_ERROR, error) == 0);
  }
  BOOST_TEST(error == ECONNREFUSED);
}

BOOST_AUTO_TEST_CASE(moves_bytes) {
  const ends pair = socket_pair();
  const int near = pair.near.get(), far = pair.far.get();
  buffer b;
  BOOST_TEST(system_::recv(far, b) == -EAGAIN);
  BOOST_TEST(system_::read(far, b) == -EAGAIN);
  BOOST_TEST(system_::send(near, bytes_of("hello")) == 5);
  BOOST_TEST(system_::unread(far) == 5);
  BOOST_TEST(b.text(system_::recv(far, b)) == "hello");
  BOOST_TEST(system_::unread(far) == 0);
  BOOST_TEST(system_::write(near, bytes_of("file")) == 4);
  BOOST_TEST(b.text(system_::read(far, b)) == "file");
  BOOST_TEST(system_::sendmsg(near, two_pieces()) == 5);
  BOOST_TEST(b.text(system_::recv(far, b)) == "abcde");
  BOOST_TEST(system_::writev(near, two_pieces()) == 5);
  BOOST_TEST(b.text(system_::read(far, b)) == "abcde");
  BOOST_TEST(system_::send(near, {}) == 0);
  BOOST_TEST(system_::shutdown(near, SHUT_WR) == 0);
  BOOST_TEST(system_::recv(far, b) == 0);
  fill(pair.far);
  BOOST_TEST(system_::send(far, bytes_of("x")) == -EAGAIN);
  BOOST_TEST(system_::write(far, bytes_of("x")) == -EAGAIN);
}

BOOST_AUTO_TEST_CASE(moves_datagrams) {
  const unique_fd a = checked(system_::socket(AF_INET, SOCK_DGRAM));
  const unique_fd b = checked(system_::socket(AF_INET, SOCK_DGRAM));
  for (const unique_fd* fd : {&a, &b})
    BOOST_REQUIRE_EQUAL(system_::bind(fd->get(), endpoint::parse("127.0.0.1:0")), 0);
  buffer into;
  endpoint from = endpoint::parse("unix:/stale");
  BOOST_TEST(system_::recvfrom(b.get(), into, from) == -EAGAIN);
  BOOST_TEST(from.size() == 0u);
  BOOST_TEST(system_::sendto(a.get(), bytes_of("datagram"), name_of(b.get())) == 8);
  BOOST_REQUIRE(wait_for(b.get(), POLLIN));
  BOOST_TEST(into.text(system_::recvfrom(b.get(), into, from)) == "datagram");
  BOOST_TEST(from.to_string() == name_of(a.get()).to_string());
  BOOST_TEST(system_::sendto(a.get(), {}, name_of(b.get())) == 0);
  BOOST_REQUIRE(wait_for(b.get(), POLLIN));
  BOOST_TEST(system_::recvfrom(b.get(), into, from) == 0);
}

// Law 6.
BOOST_AUTO_TEST_CASE(raises_no_sigpipe_on_a_socket) {
  const signal_watch watch(SIGPIPE);
  ends pair = socket_pair();
  pair.far.reset();
  BOOST_TEST(system_::send(pair.near.get(), bytes_of("x")) == -EPIPE);
  BOOST_TEST(system_::sendmsg(pair.near.get(), two_pieces()) == -EPIPE);
  BOOST_TEST(system_::sendto(pair.near.get(), bytes_of("x"), endpoint()) == -EPIPE);
  BOOST_TEST(watch.count() == 0);
}

const unique_fd* other_end = nullptr;
int signals_to_come = 0;

// At the third signal, does what the interrupted call waits for.
template <class Call, class Act>
void check_retried(Call call, Act) {
  signals_to_come = 3;
  const alarms ring(1ms, [] {
    if (--signals_to_come == 0) Act{}();
  });
  BOOST_TEST(call() > 0);
  BOOST_TEST(ring.count() >= 3);
}

// Whoever has blocked the signal deals with it.
BOOST_AUTO_TEST_CASE(leaves_a_sigpipe_that_is_blocked) {
  sigset_t pipe_signal, before, pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  BOOST_REQUIRE_EQUAL(::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before), 0);
  ends pipe = pipe_from_near();
  pipe.far.reset();
  BOOST_TEST(system_::write(pipe.near.get(), bytes_of("x")) == -EPIPE);
  BOOST_TEST(::sigpending(&pending) == 0);
  BOOST_TEST(sigismember(&pending, SIGPIPE) == 1);
  int taken = 0;
  BOOST_TEST(::sigwait(&pipe_signal, &taken) == 0);
  BOOST_TEST(::pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
}

BOOST_AUTO_TEST_CASE(retries_a_read_that_a_signal_interrupts) {
  const ends pair = blocking_pair();
  other_end = &pair.far;
  const auto send_byte = [] { (void)!::write(other_end->get(), "x", 1); };
  buffer b;
  endpoint from;
  check_retried([&] { return system_::read(pair.near.get(), b); }, send_byte);
  check_retried([&] { return system_::recv(pair.near.get(), b); }, send_byte);
  check_retried([&] { return system_::recvfrom(pair.near.get(), b, from); }, send_byte);
}

BOOST_AUTO_TEST_CASE(retries_a_write_that_a_signal_interrupts) {
  const ends pair = blocking_pair();
  other_end = &pair.far;
  const auto drain = [] {
    char sink[65536];
    while (::recv(other_end->get(), sink, sizeof sink, MSG_DONTWAIT) > 0) continue;
  };
  const auto stuff = [&] {
    const std::string much(65536, 'x');
    while (::send(pair.near.get(), much.data(), much.size(), MSG_DONTWAIT) > 0) continue;
  };
  const int fd = pair.near.get();
  stuff();
  check_retried([&] { return system_::write(fd, bytes_of("x")); }, drain);
  stuff();
  check_retried([&] { return system_::writev(fd, two_pieces()); }, drain);
  stuff();
  check_retried([&] { return system_::send(fd, bytes_of("x")); }, drain);
  stuff();
  check_retried([&] { return system_::sendmsg(fd, two_pieces()); }, drain);
}

BOOST_AUTO_TEST_CASE(duplicates) {
  const ends pipe = pipe_to_near();
  const unique_fd copy = checked(system_::dup(pipe.near.get()));
  BOOST_TEST(copy.get() != pipe.near.get());
  BOOST_TEST(closes_on_exec(copy.get()));
  put(pipe.far, "x");
  BOOST_TEST(take(copy) == "x");
}

BOOST_AUTO_TEST_CASE(sets_nonblocking) {
  const ends pair = blocking_pair();
  BOOST_TEST(!has_flag(pair.near.get(), O_NONBLOCK));
  for (int times = 0; times < 2; ++times) {
    BOOST_TEST(system_::set_nonblocking(pair.near.get()) == 0);
    BOOST_TEST(has_flag(pair.near.get(), O_NONBLOCK));
  }
}

BOOST_AUTO_TEST_CASE(sets_options) {
  const unique_fd fd = checked(system_::socket(AF_INET, SOCK_STREAM));
  int value = 1;
  BOOST_TEST(system_::getsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, value) == 0);
  BOOST_TEST(value == 0);
  BOOST_TEST(system_::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1) == 0);
  BOOST_TEST(system_::getsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, value) == 0);
  BOOST_TEST(value == 1);
}

BOOST_AUTO_TEST_CASE(closes) {
  ends pipe = pipe_to_near();
  const int number = pipe.near.release();
  BOOST_TEST(system_::close(number) == 0);
  BOOST_TEST(!is_open(number));
  BOOST_TEST(system_::close(number) == -EBADF);
  BOOST_TEST(system_::closer() == nullptr);
}

BOOST_AUTO_TEST_CASE(returns_errors_as_negative_numbers) {
  const int closed = -1;
  buffer b;
  endpoint e = endpoint::parse("127.0.0.1:1");
  const endpoint to = e;
  int value = 0;
  BOOST_TEST(system_::read(closed, b) == -EBADF);
  BOOST_TEST(system_::write(closed, bytes_of("x")) == -EBADF);
  BOOST_TEST(system_::writev(closed, two_pieces()) == -EBADF);
  BOOST_TEST(system_::recv(closed, b) == -EBADF);
  BOOST_TEST(system_::send(closed, bytes_of("x")) == -EBADF);
  BOOST_TEST(system_::sendmsg(closed, two_pieces()) == -EBADF);
  BOOST_TEST(system_::recvfrom(closed, b, e) == -EBADF);
  BOOST_TEST(system_::sendto(closed, bytes_of("x"), to) == -EBADF);
  BOOST_TEST(system_::socket(-1, -1) < 0);
  BOOST_TEST(system_::bind(closed, to) == -EBADF);
  BOOST_TEST(system_::listen(closed, 1) == -EBADF);
  BOOST_TEST(system_::connect(closed, to) == -EBADF);
  BOOST_TEST(system_::accept(closed, e) == -EBADF);
  BOOST_TEST(system_::shutdown(closed, SHUT_WR) == -EBADF);
  BOOST_TEST(system_::getsockname(closed, e) == -EBADF);
  BOOST_TEST(e.size() == 0u);
  BOOST_TEST(system_::getpeername(closed, e) == -EBADF);
  BOOST_TEST(system_::getsockopt(closed, SOL_SOCKET, SO_ERROR, value) == -EBADF);
  BOOST_TEST(system_::setsockopt(closed, SOL_SOCKET, SO_REUSEADDR, 1) == -EBADF);
  BOOST_TEST(system_::dup(closed) == -EBADF);
  BOOST_TEST(system_::set_nonblocking(closed) == -EBADF);
  BOOST_TEST(system_::unread(closed) == -EBADF);
}

// Law 11.
BOOST_AUTO_TEST_CASE(tells_monotonic_time) {
  const auto before = std::chrono::steady_clock::now().time_since_epoch();
  auto last = system_::now();
  BOOST_TEST((last >= before));
  for (int i = 0; i < 1'000; ++i) {
    const auto now = system_::now();
    BOOST_REQUIRE((now >= last));
    last = now;
  }
  BOOST_TEST((last <= std::chrono::steady_clock::now().time_since_epoch()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

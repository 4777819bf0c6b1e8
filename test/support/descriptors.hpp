// SPDX-License-Identifier: BSL-1.0
/// Real descriptors for tests: pairs, addresses that nobody uses, and what the far end does.
#pragma once

#include <asyncore/sys/endpoint.hpp>
#include <asyncore/sys/unique_fd.hpp>

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace test {

using asyncore::endpoint;
using asyncore::unique_fd;

/// How long a test waits for what should have happened at once, in milliseconds.
inline constexpr int patience = 20'000;

/// Two ends: `near` is for a channel, `far` is the test's own. Both are non-blocking.
struct ends {
  unique_fd near;
  unique_fd far;
};

/// A descriptor that a call has just returned.
inline unique_fd checked(int fd) {
  BOOST_REQUIRE_GE(fd, 0);
  return unique_fd(fd);
}

inline ends socket_pair() {
  int fds[2] = {-1, -1};
  BOOST_REQUIRE_EQUAL(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  return {unique_fd(fds[0]), unique_fd(fds[1])};
}

/// `near` reads.
inline ends pipe_to_near() {
  int fds[2] = {-1, -1};
  BOOST_REQUIRE_EQUAL(::pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
  return {unique_fd(fds[0]), unique_fd(fds[1])};
}

/// `near` writes.
inline ends pipe_from_near() {
  ends turned = pipe_to_near();
  return {std::move(turned.far), std::move(turned.near)};
}

inline bool is_pipe(const ends& pair) {
  struct stat status {};
  return ::fstat(pair.far.get(), &status) == 0 && S_ISFIFO(status.st_mode);
}

/// True when `fd` is ready for one of `events`, or hung up, before patience ends.
inline bool wait_for(int fd, short events) {
  pollfd polled{fd, events, 0};
  return ::poll(&polled, 1, patience) == 1;
}

/// The address that a socket is bound to.
inline endpoint name_of(int fd) {
  endpoint name;
  socklen_t size = endpoint::capacity();
  BOOST_REQUIRE_EQUAL(::getsockname(fd, name.data(), &size), 0);
  name.resize(size);
  return name;
}

/// A socket bound to a free port of the loopback; it listens unless `backlog` is negative.
inline unique_fd tcp_listener(int backlog = 64) {
  unique_fd fd = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const endpoint any = endpoint::parse("127.0.0.1:0");
  BOOST_REQUIRE_EQUAL(::bind(fd.get(), any.data(), any.size()), 0);
  if (backlog >= 0) BOOST_REQUIRE_EQUAL(::listen(fd.get(), backlog), 0);
  return fd;
}

/// A connected, non-blocking client of the socket that listens at `to`.
inline unique_fd connected_to(const endpoint& to) {
  unique_fd fd = checked(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  BOOST_REQUIRE_EQUAL(::connect(fd.get(), to.data(), to.size()), 0);
  BOOST_REQUIRE_EQUAL(::fcntl(fd.get(), F_SETFL, O_NONBLOCK), 0);
  return fd;
}

inline ends tcp_pair() {
  const unique_fd listener = tcp_listener();
  unique_fd client = connected_to(name_of(listener.get()));
  BOOST_REQUIRE(wait_for(listener.get(), POLLIN));
  unique_fd accepted =
      checked(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  return {std::move(accepted), std::move(client)};
}

/// Writes all of `bytes`, which the buffers have room for.
inline void put(const unique_fd& fd, std::string_view bytes) {
  BOOST_REQUIRE_EQUAL(::write(fd.get(), bytes.data(), bytes.size()),
                      static_cast<ssize_t>(bytes.size()));
}

/// Writes until the buffers are full; returns how many bytes that took.
inline std::size_t fill(const unique_fd& fd) {
  static const std::array<char, 65536> zeros{};
  std::size_t filled = 0;
  for (std::size_t step = zeros.size(); step > 0;) {
    const ssize_t n = ::write(fd.get(), zeros.data(), step);
    if (n > 0) {
      filled += static_cast<std::size_t>(n);
    } else {
      step /= 2;
    }
  }
  return filled;
}

/// Reads what is there now.
inline std::string take(const unique_fd& fd) {
  std::string all;
  std::array<char, 65536> piece;
  for (ssize_t n; (n = ::read(fd.get(), piece.data(), piece.size())) > 0;)
    all.append(piece.data(), static_cast<std::size_t>(n));
  return all;
}

/// True when the stream has ended, after what is left in it.
inline bool at_end(const unique_fd& fd) {
  std::array<char, 65536> piece;
  while (wait_for(fd.get(), POLLIN)) {
    const ssize_t n = ::read(fd.get(), piece.data(), piece.size());
    if (n == 0) return true;
    if (n < 0) return errno == ECONNRESET;
  }
  return false;
}

/// Closes a TCP socket so that its peer is sent a reset.
inline void reset(unique_fd& fd) {
  const linger at_once{1, 0};
  BOOST_REQUIRE_EQUAL(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  fd.reset();
}

/// Makes the buffers between two sockets small, which the kernel otherwise grows to megabytes.
inline void limit_buffers(const ends& pair) {
  const int bytes = 65536;
  for (const int fd : {pair.near.get(), pair.far.get()})
    for (const int name : {SO_SNDBUF, SO_RCVBUF})
      BOOST_REQUIRE_EQUAL(::setsockopt(fd, SOL_SOCKET, name, &bytes, sizeof bytes), 0);
}

inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

/// Moves `fd` to exactly the number `number`, which must be free.
inline unique_fd moved_to(int number, unique_fd fd) {
  if (fd.get() == number) return fd;
  BOOST_CHECK(!is_open(number));
  return unique_fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, number));
}

/// A directory that goes with the object.
class temporary_directory {
 public:
  temporary_directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "asyncore-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  /// The path of a file in it.
  std::string file(std::string_view name) const { return (path_ / name).string(); }

  /// The address of a UNIX socket in it.
  endpoint address(std::string_view name) const { return endpoint::parse("unix:" + file(name)); }

 private:
  std::filesystem::path path_;
};

}  // namespace test

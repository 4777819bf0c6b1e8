// SPDX-License-Identifier: BSL-1.0
/// Real descriptors for tests: pairs, addresses that nobody uses, and what the far end does.
#pragma once

#include <asyncore/sys/endpoint.hpp>
#include <asyncore/sys/unique_fd.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "kernel.hpp"

namespace test {

using asyncore::endpoint;
using asyncore::unique_fd;

/// Two ends: `near` is for a channel, `far` is the test's own. Both are non-blocking.
struct ends {
  unique_fd near;
  unique_fd far;
};

/// Owns a descriptor of the kernel that the test runs on; -1: nothing.
inline unique_fd own(int fd) { return unique_fd(fd, sys().closer()); }

/// A descriptor that a call has just returned.
inline unique_fd checked(int fd) {
  BOOST_REQUIRE_GE(fd, 0);
  return own(fd);
}

inline ends socket_pair() {
  const auto [near, far] = kernel::socketpair();
  return {own(near), own(far)};
}

/// `near` reads.
inline ends pipe_to_near() {
  const auto [reads, writes] = kernel::pipe();
  return {own(reads), own(writes)};
}

/// `near` writes.
inline ends pipe_from_near() {
  ends turned = pipe_to_near();
  return {std::move(turned.far), std::move(turned.near)};
}

inline bool is_pipe(const ends& pair) { return kernel::is_pipe(pair.far.get()); }

/// True when `fd` is ready for one of `events`, or hung up, before patience ends.
inline bool wait_for(int fd, short events) { return kernel::wait_for(fd, events); }

/// The address that a socket is bound to.
inline endpoint name_of(int fd) {
  endpoint name;
  BOOST_REQUIRE_EQUAL(sys().getsockname(fd, name), 0);
  return name;
}

inline const endpoint any_port = endpoint::parse("127.0.0.1:0");

/// A socket bound to `where`, by default a free port of the loopback; it listens unless `backlog`
/// is negative.
inline unique_fd bound_to(const endpoint& where, int type = SOCK_STREAM, int backlog = -1) {
  unique_fd fd = checked(sys().socket(where.family(), type));
  BOOST_REQUIRE_EQUAL(sys().bind(fd.get(), where), 0);
  if (backlog >= 0) BOOST_REQUIRE_EQUAL(sys().listen(fd.get(), backlog), 0);
  return fd;
}
inline unique_fd tcp_listener(int backlog = 64) {
  return bound_to(any_port, SOCK_STREAM, backlog);
}

/// A connected, non-blocking client of the socket that listens at `to`.
inline unique_fd connected_to(const endpoint& to) {
  unique_fd fd = checked(sys().socket(to.family(), SOCK_STREAM));
  int error = -sys().connect(fd.get(), to);
  if (error == EINPROGRESS) {
    BOOST_REQUIRE(wait_for(fd.get(), POLLOUT));
    BOOST_REQUIRE_EQUAL(sys().getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, error), 0);
  }
  BOOST_REQUIRE_EQUAL(error, 0);
  return fd;
}

/// The next connection of a listener, which is there or on its way.
inline unique_fd accepted(const unique_fd& listener) {
  BOOST_REQUIRE(wait_for(listener.get(), POLLIN));
  endpoint from;
  return checked(sys().accept(listener.get(), from));
}

inline ends tcp_pair() {
  const unique_fd listener = tcp_listener();
  unique_fd client = connected_to(name_of(listener.get()));
  return {accepted(listener), std::move(client)};
}

inline std::span<const std::byte> bytes_in(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// Writes all of `bytes`, which the buffers have room for.
inline void put(const unique_fd& fd, std::string_view bytes) {
  BOOST_REQUIRE_EQUAL(sys().write(fd.get(), bytes_in(bytes)),
                      static_cast<std::ptrdiff_t>(bytes.size()));
}

/// Sends a byte out of band.
inline void put_urgent(const unique_fd& fd) {
  BOOST_REQUIRE_EQUAL(sys().send(fd.get(), bytes_in("!"), MSG_OOB), 1);
}

/// Writes until the buffers are full; returns how many bytes that took.
inline std::size_t fill(const unique_fd& fd) {
  static const std::array<std::byte, 65536> zeros{};
  std::size_t filled = 0;
  for (std::size_t step = zeros.size(); step > 0;) {
    const std::ptrdiff_t n = sys().write(fd.get(), std::span(zeros).first(step));
    if (n > 0) {
      filled += static_cast<std::size_t>(n);
    } else {
      step /= 2;
    }
  }
  return filled;
}

/// What one read finds.
struct piece_read {
  std::ptrdiff_t result;  // the number of bytes, 0 at the end, or a negative errno
  std::string bytes;
};
inline piece_read read_piece(const unique_fd& fd) {
  std::string bytes(65536, '\0');
  const std::ptrdiff_t n = sys().read(fd.get(), std::as_writable_bytes(std::span(bytes)));
  bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return {n, std::move(bytes)};
}

/// Reads what is there now.
inline std::string take(const unique_fd& fd) {
  std::string all;
  for (piece_read piece; (piece = read_piece(fd)).result > 0;) all += piece.bytes;
  return all;
}

/// True when the stream has ended, after what is left in it.
inline bool at_end(const unique_fd& fd) {
  while (wait_for(fd.get(), POLLIN)) {
    const std::ptrdiff_t n = read_piece(fd).result;
    if (n <= 0) return n == 0 || n == -ECONNRESET;
  }
  return false;
}

/// Ends the stream in one direction or both.
inline void shut(int fd, int how) { BOOST_REQUIRE_EQUAL(sys().shutdown(fd, how), 0); }

/// Closes a TCP socket so that its peer is sent a reset.
inline void reset(unique_fd& fd) {
  kernel::reset_on_close(fd.get());
  fd.reset();
}

/// Makes the buffers between two sockets small, which the kernel otherwise grows to megabytes.
inline void limit_buffers(const ends& pair) {
  for (const int fd : {pair.near.get(), pair.far.get()}) kernel::limit_buffers(fd, 65536);
}

inline bool is_open(int fd) { return kernel::is_open(fd); }

/// A duplicate.
inline unique_fd copy_of(int fd, int lowest = 0) { return checked(kernel::duplicate(fd, lowest)); }

/// Moves `fd` to exactly the number `number`, which must be free.
inline unique_fd moved_to(int number, unique_fd fd) {
  if (fd.get() == number) return fd;
  BOOST_CHECK(!is_open(number));
  return copy_of(fd.get(), number);
}

/// A regular file of these bytes, open for reading and writing at its beginning.
inline unique_fd file_of(std::string_view content) { return own(kernel::file(content)); }

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

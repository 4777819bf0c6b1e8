// SPDX-License-Identifier: BSL-1.0
// The other side of a channel: a blocking descriptor, driven by hand.
#pragma once

#include "script.hpp"

#include <asyncore/sys/endpoint.hpp>
#include <asyncore/sys/unique_fd.hpp>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace oracle {

/// Milliseconds until what should have happened has failed.
inline constexpr int patience = 10'000;

/// Stops the test when a call failed.
inline int checked(int status, std::string_view call) {
  if (status < 0) stop(std::string(call) + ": " + std::strerror(errno));
  return status;
}

/// Waits until `fd` is ready for any of `events`.
inline void wait_for(int fd, int events) {
  pollfd watched{fd, static_cast<short>(events), 0};
  if (checked(::poll(&watched, 1, patience), "poll") == 0)
    stop("nothing came to pass on descriptor " + std::to_string(fd));
}

inline asyncore::endpoint name_of(int fd, decltype(::getsockname)* call = ::getsockname) {
  asyncore::endpoint name;
  socklen_t size = name.capacity();
  name.resize(call(fd, name.data(), &size) == 0 ? size : 0);
  return name;
}

/// A socket bound to a free port of the loopback address, or to a path.
inline asyncore::unique_fd bound_socket(const asyncore::endpoint& where) {
  asyncore::unique_fd fd(checked(::socket(where.family(), SOCK_STREAM, 0), "socket"));
  checked(::bind(fd.get(), where.data(), where.size()), "bind");
  return fd;
}

inline asyncore::unique_fd connected_socket(const asyncore::endpoint& to) {
  asyncore::unique_fd fd(checked(::socket(to.family(), SOCK_STREAM, 0), "socket"));
  checked(::connect(fd.get(), to.data(), to.size()), "connect");
  return fd;
}

/// Two sockets connected to each other.
inline std::pair<asyncore::unique_fd, asyncore::unique_fd> connected_pair(bool tcp) {
  int ends[2];
  if (!tcp) {
    checked(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
    return {asyncore::unique_fd(ends[0]), asyncore::unique_fd(ends[1])};
  }
  const asyncore::unique_fd server = bound_socket(asyncore::endpoint::parse("127.0.0.1:0"));
  checked(::listen(server.get(), 1), "listen");
  asyncore::unique_fd far = connected_socket(name_of(server.get()));
  asyncore::unique_fd near(checked(::accept(server.get(), nullptr, nullptr), "accept"));
  return {std::move(near), std::move(far)};
}

/// A raw socket, or an end of a pipe.
class peer {
 public:
  peer() = default;
  explicit peer(asyncore::unique_fd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  bool tcp() const { return name_of(fd()).family() == AF_INET; }

  /// Sends all; over TCP until it has arrived.
  void send(std::string_view data) {
    while (!data.empty()) {
      const int n = checked(static_cast<int>(::write(fd(), data.data(), data.size())), "send");
      data.remove_prefix(static_cast<std::size_t>(n));
    }
    if (!tcp()) return;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience);
    for (int unacknowledged = 1; unacknowledged > 0;) {
      checked(::ioctl(fd(), TIOCOUTQ, &unacknowledged), "TIOCOUTQ");
      if (std::chrono::steady_clock::now() > deadline) stop("what was sent did not arrive");
    }
  }
  void send_urgent(std::string_view data) {
    checked(static_cast<int>(::send(fd(), data.data(), data.size(), MSG_OOB)), "send MSG_OOB");
  }

  /// -1: nothing is there; -2: the connection was reset.
  std::ptrdiff_t receive(std::span<char> into, bool waits) {
    if (waits) wait_for(fd(), POLLIN);
    pollfd watched{fd(), POLLIN, 0};
    if (checked(::poll(&watched, 1, 0), "poll") == 0) return -1;
    const auto n = ::read(fd(), into.data(), into.size());
    if (n < 0 && errno == ECONNRESET) return -2;
    return checked(static_cast<int>(n), "receive");
  }

  void shutdown(int how) { checked(::shutdown(fd(), how), "shutdown"); }
  void close() { fd_.reset(); }
  void reset() {
    const linger none{1, 0};
    checked(::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &none, sizeof none), "SO_LINGER");
    close();
  }

 private:
  asyncore::unique_fd fd_;
};

}  // namespace oracle

// SPDX-License-Identifier: BSL-1.0
/// What the load clients share apart from the load itself. They use no library, so that they cost
/// every server the same.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"

namespace bench {

/// Where the server is, and how its connections end.
class server_address {
 public:
  void add_to(CLI::App& app) {
    app.add_option("--host", host_, "IPv4 address of the server")->capture_default_str();
    app.add_option("--port", port_, "port of the server")->required();
  }

  /// A blocking connection, which waits ten seconds at most. With `reset`, a reset ends it instead
  /// of a handshake, which leaves no port in TIME_WAIT; else it comes from the loopback address
  /// with this number, of which there are many, each with its own ports.
  int connect(bool reset = true, std::uint32_t from = 0) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const timeval patience{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (reset) {
      const linger none{1, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    } else {
      ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      sockaddr_in own{};
      own.sin_family = AF_INET;
      own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + from % 200);
      if (::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) fail("bind");
    }
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port_);
    if (::inet_pton(AF_INET, host_.c_str(), &where.sin_addr) != 1) fail(host_.c_str(), EINVAL);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
      fail("connect");
    return fd;
  }

 private:
  std::string host_ = "127.0.0.1";
  std::uint16_t port_ = 0;
};

/// Sends all of `bytes`, which must fit into the buffer of the socket.
inline void send_all(int fd, const void* bytes, std::size_t size) {
  if (::send(fd, bytes, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) fail("send");
}

/// Receives what has come; 0 when nothing has.
inline std::size_t receive_some(int fd, void* into, std::size_t size) {
  const ssize_t got = ::recv(fd, into, size, 0);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got < 0) fail("an answer");
  if (got == 0) fail("the server closed a connection", ECONNRESET);
  return static_cast<std::size_t>(got);
}

/// Receives some of what is `left` of the expected answer; returns whether that was the rest.
inline bool receive_expected(int fd, std::string_view& left, std::vector<char>& buffer) {
  const std::size_t got = receive_some(fd, buffer.data(), buffer.size());
  if (got > left.size() || std::memcmp(buffer.data(), left.data(), got) != 0)
    fail("the answer differs from what was expected", EPROTO);
  left.remove_prefix(got);
  return left.empty();
}

inline void pin(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(cpu), &only);
  if (::sched_setaffinity(0, sizeof only, &only) != 0) fail("pin to the processor");
}

/// Processor time of another process in seconds.
inline double processor_seconds(pid_t process) {
  clockid_t clock;
  if (const int error = ::clock_getcpuclockid(process, &clock)) fail("--server-pid", error);
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
/// What a test does from outside of its channels, on the real kernel. Included by kernel.hpp.
#pragma once

#include <asyncore/sys/posix_system.hpp>
#include <asyncore/word/interest.hpp>

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <poll.h>
#if defined(__linux__)
#include <linux/net_tstamp.h>
#endif
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace test {

inline constexpr bool simulated = false;

/// How long a test waits for what should have happened at once, in milliseconds.
inline constexpr int patience = 20'000;

/// A fixture for suites that run on both.
struct world {};

/// The system calls.
inline asyncore::posix_system sys() noexcept { return {}; }

namespace kernel {

/// Says that a case uses what is not open, or closes what a poller watches, on purpose.
inline void be_careless() noexcept {}

inline std::array<int, 2> socketpair() {
  std::array<int, 2> fds{-1, -1};
  BOOST_REQUIRE_EQUAL(
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
  return fds;
}

/// The reading end first.
inline std::array<int, 2> pipe() {
  std::array<int, 2> fds{-1, -1};
  BOOST_REQUIRE_EQUAL(::pipe2(fds.data(), O_NONBLOCK | O_CLOEXEC), 0);
  return fds;
}

/// What can be done with it now, asked or not.
inline asyncore::readiness state_of(int fd) {
  using asyncore::readiness;
  pollfd polled{fd, POLLIN | POLLOUT | POLLPRI, 0};
  BOOST_REQUIRE_GE(::poll(&polled, 1, 0), 0);
  readiness ready = readiness::none;
  if ((polled.revents & POLLIN) != 0) ready |= readiness::read;
  if ((polled.revents & POLLOUT) != 0) ready |= readiness::write;
  if ((polled.revents & POLLPRI) != 0) ready |= readiness::expt;
  if ((polled.revents & POLLERR) != 0) ready |= readiness::error;
  if ((polled.revents & POLLHUP) != 0) ready |= readiness::hangup;
  return ready;
}

inline bool is_pipe(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

inline bool wait_for(int fd, short events) {
  pollfd polled{fd, events, 0};
  return ::poll(&polled, 1, patience) == 1;
}

/// Close-on-exec and non-blocking, as the library has its descriptors.
inline bool is_prepared(int fd) {
  return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
inline int duplicate(int fd, int lowest) { return ::fcntl(fd, F_DUPFD_CLOEXEC, lowest); }

/// Has the socket send a reset when it is closed.
inline void reset_on_close(int fd) { BOOST_REQUIRE_EQUAL(sys().reset_on_close(fd), 0); }

inline void limit_buffers(int fd, int bytes) {
  for (const int name : {SO_SNDBUF, SO_RCVBUF})
    BOOST_REQUIRE_EQUAL(sys().setsockopt(fd, SOL_SOCKET, name, bytes), 0);
}

/// A regular file without a name, of these bytes, at its beginning.
inline int file(std::string_view content) {
  std::string name = (std::filesystem::temp_directory_path() / "asyncore-XXXXXX").string();
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  BOOST_REQUIRE_GE(fd, 0);
  ::unlink(name.c_str());
  BOOST_REQUIRE_EQUAL(::write(fd, content.data(), content.size()),
                      static_cast<ssize_t>(content.size()));
  BOOST_REQUIRE_EQUAL(::lseek(fd, 0, SEEK_SET), 0);
  return fd;
}
/// Has this process at most so many descriptors, until the object goes.
class limit_descriptors {
 public:
  explicit limit_descriptors(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit changed = before_;
    changed.rlim_cur = limit;
    BOOST_REQUIRE_EQUAL(::setrlimit(RLIMIT_NOFILE, &changed), 0);
  }
  limit_descriptors(const limit_descriptors&) = delete;
  limit_descriptors& operator=(const limit_descriptors&) = delete;
  ~limit_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

/// Removes the path of a UNIX socket.
inline void unlink(const asyncore::endpoint& path) {
  ::unlink(path.to_string().substr(5).c_str());
}

/// Puts something into the error queue of a connected socket, as a time stamp of what it sent;
/// false: this kernel has no such thing.
inline bool queue_error(int fd) {
#if defined(__linux__)
  const int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  if (sys().setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, stamps) != 0) return false;
  BOOST_REQUIRE_EQUAL(::send(fd, "x", 1, MSG_NOSIGNAL), 1);
  return wait_for(fd, 0);
#else
  return false;
#endif
}

inline void rewind(int fd) { BOOST_REQUIRE_EQUAL(::lseek(fd, 0, SEEK_SET), 0); }

}  // namespace kernel
}  // namespace test

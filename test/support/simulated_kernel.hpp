// SPDX-License-Identifier: BSL-1.0
/// What a test does from outside of its channels, on a simulated kernel. Included by kernel.hpp.
#pragma once

#include <asyncore/sim.hpp>

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace test {

inline constexpr bool simulated = true;
inline constexpr int patience = 20'000;  // milliseconds, virtual ones

/// A fixture: each case has a kernel of its own, which has nothing to object to in the end.
struct world {
  world() { current = this; }
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world() {
    on.expect_all_closed();
    if (!careless)
      for (const std::string& text : on.violations().texts()) BOOST_ERROR(text);
    current = nullptr;
  }
  asyncore::sim_kernel on{1, {.buffer = 200'000, .datagrams = 64, .descriptor_limit = 2048}};
  bool careless = false;
  static inline world* current = nullptr;
};

inline asyncore::sim_system& sys() noexcept { return world::current->on.system(); }

namespace kernel {

inline asyncore::sim_kernel& current() noexcept { return world::current->on; }

/// Says that a case uses what is not open, or closes what a poller watches, on purpose.
inline void be_careless() noexcept { world::current->careless = true; }

inline std::array<int, 2> socketpair() { return current().socketpair(); }
inline std::array<int, 2> pipe() { return current().pipe(); }
/// What can be done with it now, asked or not.
inline asyncore::readiness state_of(int fd) { return current().ready(*current().at(fd)); }

inline bool is_pipe(int fd) {
  const asyncore::sim_node* const n = current().at(fd);
  return n != nullptr && (n->kind == asyncore::node_kind::pipe_reader ||
                          n->kind == asyncore::node_kind::pipe_writer);
}

inline bool wait_for(int fd, short events) {
  using asyncore::readiness;
  readiness wanted = readiness::error | readiness::hangup;
  if ((events & POLLIN) != 0) wanted |= readiness::read;
  if ((events & POLLOUT) != 0) wanted |= readiness::write;
  if ((events & POLLPRI) != 0) wanted |= readiness::expt;
  const auto deadline = current().now() + std::chrono::milliseconds(patience);
  while (!asyncore::any(current().ready(*current().at(fd)), wanted)) {
    if (current().now() >= deadline) return false;
    current().advance(deadline);
  }
  return true;
}

inline bool is_prepared(int fd) { return current().is_open(fd); }
inline bool is_open(int fd) { return current().is_open(fd); }
inline int duplicate(int fd, int lowest) { return current().dup(fd, lowest); }
inline void reset_on_close(int fd) { sys().reset_on_close(fd); }
inline void limit_buffers(int, int) {}  // they have one size
inline int file(std::string_view content) {
  return current().file(std::as_bytes(std::span(content)));
}
/// Has this process at most so many descriptors, until the object goes.
class limit_descriptors {
 public:
  explicit limit_descriptors(int limit) { current().limit_descriptors(limit); }
  limit_descriptors(const limit_descriptors&) = delete;
  limit_descriptors& operator=(const limit_descriptors&) = delete;
  ~limit_descriptors() { current().limit_descriptors(2048); }
};

/// Removes the path of a UNIX socket.
inline void unlink(const asyncore::endpoint& path) { current().unlink(path); }

/// Puts something into the error queue of a connected socket, as a time stamp of what it sent;
/// false: this kernel has no such thing.
inline bool queue_error(int fd) {
  ++current().at(fd)->queued_errors;
  return true;
}

inline void rewind(int fd) { current().at(fd)->position = 0; }

}  // namespace kernel

/// A poller on the kernel of the case at hand.
template <class Poller>
struct on_current : Poller {
  on_current() : Poller(kernel::current()) {}
};

}  // namespace test

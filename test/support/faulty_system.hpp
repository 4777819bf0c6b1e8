// SPDX-License-Identifier: BSL-1.0
/// The kernel, except that some calls fail as a test tells them to.
#pragma once

#include <deque>
#include <type_traits>

#include "matrix.hpp"

namespace test {

/// What the next calls return instead of being made; one element a call, 0: make the call.
/// Static, because the system of a poller is a type.
struct faults {
  static inline std::deque<int> accept;
  static inline std::deque<int> connect;
  static inline std::deque<int> send;  // and sendmsg
  static inline std::deque<int> recv;
  static inline std::deque<int> so_error;  // what SO_ERROR says, not what the call returns
};

template <class System>
struct faulty_system : System {
  using System::System;

  int accept(int fd, asyncore::endpoint& from) {
    const int failed = next(faults::accept);
    return failed != 0 ? failed : System::accept(fd, from);
  }
  std::ptrdiff_t send(int fd, std::span<const std::byte> bytes, int flags = 0) {
    const int failed = next(faults::send);
    return failed != 0 ? failed : System::send(fd, bytes, flags);
  }
  std::ptrdiff_t sendmsg(int fd, std::span<const iovec> pieces) {
    const int failed = next(faults::send);
    return failed != 0 ? failed : System::sendmsg(fd, pieces);
  }
  std::ptrdiff_t recv(int fd, std::span<std::byte> into) {
    const int failed = next(faults::recv);
    return failed != 0 ? failed : System::recv(fd, into);
  }
  int connect(int fd, const asyncore::endpoint& to) {
    const int failed = next(faults::connect);
    return failed != 0 ? failed : System::connect(fd, to);
  }
  int getsockopt(int fd, int level, int name, int& value) {
    const int status = System::getsockopt(fd, level, name, value);
    if (const int error = name == SO_ERROR ? next(faults::so_error) : 0; error != 0) value = error;
    return status;
  }
  // That of the system itself, which outlives its descriptors.
  static const asyncore::fd_closer* closer() noexcept { return sys().closer(); }

 private:
  static int next(std::deque<int>& from) noexcept {
    if (from.empty()) return 0;
    const int value = from.front();
    from.pop_front();
    return value;
  }
};

template <class Poller>
struct faulty_poller : Poller {
  using Poller::Poller;
  using system = faulty_system<typename Poller::system>;
};
#if defined(TEST_SIMULATED)
template <class Poller>
  requires(!std::is_empty_v<typename Poller::system>)
struct faulty_poller<Poller> : Poller {
  using Poller::Poller;
  using system = faulty_system<typename Poller::system>;
  system& get_system() noexcept { return system_; }
  system system_{kernel::current()};
};
#endif

/// The place with a system that can be made to fail.
template <class Place>
using faulty = place<faulty_poller<typename Place::poller>, typename Place::map_kind,
                     Place::closed>;

}  // namespace test

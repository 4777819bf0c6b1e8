// SPDX-License-Identifier: BSL-1.0
/// The kernel, except that some calls fail as a test tells them to.
#pragma once

#include <asyncore/sys/posix_system.hpp>

#include <deque>

#include "matrix.hpp"

namespace test {

/// What the next calls return instead of being made; one element a call, 0: make the call.
/// Static, because the system of a poller is a type.
struct faults {
  static inline std::deque<int> accept;
  static inline std::deque<int> connect;
  static inline std::deque<int> so_error;  // what SO_ERROR says, not what the call returns
};

struct faulty_system : asyncore::posix_system {
  static int accept(int fd, asyncore::endpoint& from) noexcept {
    const int failed = next(faults::accept);
    return failed != 0 ? failed : posix_system::accept(fd, from);
  }
  static int connect(int fd, const asyncore::endpoint& to) noexcept {
    const int failed = next(faults::connect);
    return failed != 0 ? failed : posix_system::connect(fd, to);
  }
  static int getsockopt(int fd, int level, int name, int& value) noexcept {
    const int status = posix_system::getsockopt(fd, level, name, value);
    if (const int error = name == SO_ERROR ? next(faults::so_error) : 0; error != 0) value = error;
    return status;
  }

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
  using system = faulty_system;
};

/// The place with a system that can be made to fail.
template <class Place>
using faulty = place<faulty_poller<typename Place::poller>, typename Place::map_kind,
                     Place::closed>;

}  // namespace test

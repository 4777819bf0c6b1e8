// SPDX-License-Identifier: BSL-1.0
/// What a loop of a group does besides: it stays, and says how busy it is.
#ifndef ASYNCORE_GROUP_MEMBER_HPP
#define ASYNCORE_GROUP_MEMBER_HPP

#include <asyncore/error.hpp>
#include <asyncore/loop_service.hpp>
#include <asyncore/sys/endpoint.hpp>
#include <asyncore/sys/socket.hpp>
#include <asyncore/impl/dispatcher_setup.hpp>

#include <atomic>
#include <cstddef>

namespace asyncore::detail {

/// Keeps `run` going without channels until `release`, and tells other threads how many channels
/// the loop has, once a turn.
template <class Loop>
class group_member : public loop_service<Loop> {
 public:
  explicit group_member(Loop&) noexcept
      : loop_service<Loop>(service_operations<Loop, group_member>) {}

  /// The channels that there are and that are on their way. Thread-safe, as the next two.
  std::size_t load() const noexcept {
    return channels_.load(std::memory_order_relaxed) + coming_.load(std::memory_order_relaxed);
  }
  /// A channel is on its way, or is not any more.
  void expect() noexcept { coming_.fetch_add(1, std::memory_order_relaxed); }
  void expect_no_more() noexcept { coming_.fetch_sub(1, std::memory_order_relaxed); }

  /// While one that was expected is made.
  class arrival {
   public:
    arrival(group_member& member, Loop& loop) noexcept : member_(member), loop_(loop) {}
    arrival(const arrival&) = delete;
    arrival& operator=(const arrival&) = delete;
    ~arrival() {
      member_.publish(loop_);
      member_.expect_no_more();
    }

   private:
    group_member& member_;
    Loop& loop_;
  };

  /// The loop may end when it is empty.
  void release() noexcept { stays_ = false; }

  bool may_wait(Loop& loop) noexcept {
    publish(loop);
    return true;
  }
  void after_wait(Loop&) noexcept {}
  std::chrono::nanoseconds next() const noexcept { return every_turn; }
  bool busy() const noexcept { return stays_; }

 private:
  void publish(const Loop& loop) noexcept {
    channels_.store(loop.size(), std::memory_order_relaxed);
  }

  bool stays_ = true;
  // On a line of their own: others look at them while the loop works.
  alignas(64) std::atomic<std::size_t> channels_{0};
  std::atomic<std::size_t> coming_{0};
};

/// A socket bound to `where`, ready to listen. Throws `std::system_error`.
template <class System>
socket bound_socket(System&& system, const endpoint& where, bool reuse_port) {
  const int fd = system.socket(where.family(), SOCK_STREAM);
  throw_if(failure(fd), "socket");
  socket made(unique_fd(fd, system.closer()));
  system.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (reuse_port) throw_setup(allow_reuse_port(system, fd), "SO_REUSEPORT", where);
  throw_setup(failure(system.bind(fd, where)), "bind", where);
  return made;
}

/// Another descriptor of the same socket. Throws `std::system_error`.
template <class System>
socket duplicate(System&& system, const socket& of) {
  const int fd = system.dup(of.native_handle());
  throw_if(failure(fd), "dup");
  return socket(unique_fd(fd, system.closer()));
}

}  // namespace asyncore::detail

#endif

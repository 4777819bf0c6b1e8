// SPDX-License-Identifier: BSL-1.0
/// What a loop of a group does besides: it stays, and says how busy it is.
#ifndef ASYNCORE_CHANNEL_GROUP_MEMBER_HPP
#define ASYNCORE_CHANNEL_GROUP_MEMBER_HPP

#include <asyncore/concept/loop_service.hpp>
#include <asyncore/sys/endpoint.hpp>
#include <asyncore/sys/setup_calls.hpp>
#include <asyncore/sys/socket.hpp>
#include <asyncore/word/error.hpp>

#include <atomic>
#include <cstddef>

namespace asyncore::detail {

/// What the threads of a group know of one of its loops. Thread-safe; outlives the loop.
class group_seat {
 public:
  /// The channels that there are and that are on their way.
  std::size_t load() const noexcept {
    return channels_.load(std::memory_order_relaxed) + coming_.load(std::memory_order_relaxed);
  }
  void publish(std::size_t channels) noexcept {
    channels_.store(channels, std::memory_order_relaxed);
  }

  /// A channel is to be on its way; false: the loop has ended, or is about to.
  bool expect() noexcept {
    coming_.fetch_add(1);
    if (!has_ended()) return true;
    expect_no_more();
    return false;
  }
  void expect_no_more() noexcept { coming_.fetch_sub(1, std::memory_order_relaxed); }
  bool expects() const noexcept { return coming_.load() > 0; }

  void end() noexcept { ended_.store(true); }
  bool has_ended() const noexcept { return ended_.load(); }

  /// While one that was expected is made.
  template <class Loop>
  class arrival {
   public:
    arrival(group_seat& seat, Loop& loop) noexcept : seat_(seat), loop_(loop) {}
    arrival(const arrival&) = delete;
    arrival& operator=(const arrival&) = delete;
    ~arrival() {
      seat_.publish(loop_.size());
      seat_.expect_no_more();
    }

   private:
    group_seat& seat_;
    Loop& loop_;
  };

 private:
  // On a line of their own: others look at them while the loop works.
  alignas(64) std::atomic<std::size_t> channels_{0};
  std::atomic<std::size_t> coming_{0};
  std::atomic<bool> ended_{false};
};

/// Keeps `run` going without channels until `release`, and while one is on its way, and publishes
/// how many there are, once a turn.
template <class Loop>
class group_member : public loop_service<Loop> {
 public:
  explicit group_member(Loop&) noexcept
      : loop_service<Loop>(service_operations<Loop, group_member>) {}

  /// To be called before `run`.
  void take(group_seat& seat) noexcept { seat_ = &seat; }

  /// Has `tell(group, loop)`, noexcept, called when a listener that the loops share stops accepting
  /// in this one.
  void on_decline(void (*tell)(void* group, const Loop& loop) noexcept, void* group) noexcept {
    tell_ = tell;
    group_ = group;
  }
  void decline(Loop& loop) noexcept {
    if (tell_ != nullptr) tell_(group_, loop);
  }

  /// The loop may end when it is empty.
  void release() noexcept { stays_ = false; }

  bool may_wait(Loop& loop) noexcept {
    seat_->publish(loop.size());
    return true;
  }
  void after_wait(Loop&) noexcept {}
  wake_time next() const noexcept { return wake_time::each_turn(); }
  bool busy() const noexcept { return stays_ || seat_->expects(); }

 private:
  bool stays_ = true;
  group_seat* seat_ = nullptr;
  void (*tell_)(void* group, const Loop& loop) noexcept = nullptr;
  void* group_ = nullptr;
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

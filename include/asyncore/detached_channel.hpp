// SPDX-License-Identifier: BSL-1.0
/// Moving a connection from one loop to another.
#ifndef ASYNCORE_DETACHED_CHANNEL_HPP
#define ASYNCORE_DETACHED_CHANNEL_HPP

#include <asyncore/buffer/out_queue.hpp>
#include <asyncore/concept/loop_service.hpp>
#include <asyncore/dispatcher.hpp>
#include <asyncore/dispatcher_with_send.hpp>
#include <asyncore/loop.hpp>
#include <asyncore/sys/socket.hpp>

#include <cstdint>
#include <system_error>
#include <utility>

namespace asyncore {

template <class Derived, class Loop, class Transport>
class async_chat;

namespace detail {
template <class Kind>
struct channel_mover;
}

/// A connection between two channels: its socket, the bytes that have not been sent, the deadline,
/// and whether reading is paused or a direction is over. A value that any thread may have; when
/// nobody takes it over, the socket is closed and the rest dropped. Movable only.
class detached_channel {
 public:
  detached_channel() noexcept = default;
  detached_channel(detached_channel&& other) noexcept
      : socket_(std::move(other.socket_)), deadline_(other.deadline_), state_(other.state_) {
    output_.swap(other.output_);
  }
  detached_channel& operator=(detached_channel&& other) noexcept {
    socket_ = std::move(other.socket_);
    deadline_ = other.deadline_;
    state_ = other.state_;
    output_.swap(other.output_);
    return *this;
  }
  ~detached_channel() {
    block_pool pool;  // frees them
    output_.clear(pool);
  }

  /// The descriptor, -1 when it has been taken over.
  int native_handle() const noexcept { return socket_.native_handle(); }

  /// The number of bytes that wait to be sent.
  std::size_t queued() const noexcept { return output_.size(); }

  /// The deadline, in the time of `basic_loop::now`; `never` when there is none.
  std::chrono::nanoseconds deadline_time() const noexcept { return deadline_; }
  void set_deadline_time(std::chrono::nanoseconds when) noexcept { deadline_ = when; }

 private:
  template <class Kind>
  friend struct detail::channel_mover;

  socket socket_;
  out_queue output_;
  std::chrono::nanoseconds deadline_ = never;
  std::uint16_t state_ = 0;
};

namespace detail {

/// Reaches the parts of a channel of this `Kind` that are its own and its bases'.
template <class Kind>
struct channel_mover : Kind {
  static constexpr bool queues = requires { &channel_mover::queue_; };

  static detached_channel take(Kind& c) {
    const unsigned state = state_of(c);
    if ((state & Kind::is_connected) == 0 || (state & leaving()) != 0)
      throw_error(std::make_error_code(std::errc::not_connected), "detach");
    c.del_channel();
    detached_channel taken;
    if constexpr (queues) taken.output_.swap(queue_of(c));
    taken.state_ = static_cast<std::uint16_t>(state & kept());
    const auto release = &channel_mover::release_descriptor;
    taken.socket_ = socket::accepted((c.*release)());
    return taken;
  }
  static void put(Kind& c, detached_channel& d) {
    if (!d.socket_ || (!queues && d.queued() > 0))
      throw_error(std::make_error_code(std::errc::invalid_argument), "attach");
    c.set_socket(std::move(d.socket_));
    state_of(c) |= d.state_;
    if constexpr (queues) queue_of(c).swap(d.output_);
  }

 private:
  static auto& state_of(Kind& c) noexcept {
    const auto member = &channel_mover::state_;
    return c.*member;
  }
  static auto& queue_of(Kind& c) noexcept {
    const auto member = &channel_mover::queue_;
    return c.*member;
  }
  static consteval unsigned leaving() {
    if constexpr (queues) {
      return Kind::is_leaving | Kind::is_ending;
    } else {
      return 0;
    }
  }
  static consteval unsigned kept() {
    unsigned bits = Kind::close_reported | Kind::read_over | Kind::write_over |
                    Kind::is_datagram | Kind::is_paused;
    if constexpr (queues) bits |= Kind::is_high;
    return bits;
  }
};

template <class Kind, class Derived>
detached_channel detach_as(Kind& c, Derived& self) {
  std::chrono::nanoseconds deadline = never;
  if constexpr (requires { self.deadline_time(); }) deadline = self.deadline_time();
  detached_channel taken = channel_mover<Kind>::take(c);
  taken.set_deadline_time(deadline);
  c.Kind::close();
  return taken;
}

template <class Kind, class Derived>
void attach_as(Kind& c, Derived& self, detached_channel& d) {
  channel_mover<Kind>::put(c, d);
  if constexpr (requires { self.set_deadline_at(never); }) self.set_deadline_at(d.deadline_time());
}

}  // namespace detail

/// Takes the connection out of `c`, which leaves its loop without a call of `handle_close`; one
/// that is owned is destroyed at the end of the turn. Also in a hook of `c` itself. Not moved: the
/// members of the class, bytes that it was given and keeps, and timers of its own; what the kernel
/// has received and nobody has read stays in the socket. Throws `std::system_error` with
/// `not_connected` for a channel that listens, connects, is closed by `close_when_done`, or whose
/// shutdown waits, and then `c` stays as it is; bad_alloc. An async_chat, with its producers and its
/// terminator, cannot be moved.
/// @{
template <class Derived, class Loop, class Transport>
detached_channel detach(dispatcher<Derived, Loop, Transport>& c) {
  return detail::detach_as(c, static_cast<Derived&>(c));
}
template <class Derived, class Loop, class Transport>
detached_channel detach(dispatcher_with_send<Derived, Loop, Transport>& c) {
  return detail::detach_as(c, static_cast<Derived&>(c));
}
template <class Derived, class Loop, class Transport>
detached_channel detach(async_chat<Derived, Loop, Transport>& c) = delete;
/// @}

/// Gives the connection to `c`, which has no socket, and enters it in its loop. What waits is sent
/// in the next turn; a deadline that has passed means that turn, too, and is dropped when `c` has
/// none. Throws as `set_socket`, when the connection is closed; and `invalid_argument` when `d` is
/// empty, or has something to send and `c` no out-queue.
/// @{
template <class Derived, class Loop, class Transport>
void attach(dispatcher<Derived, Loop, Transport>& c, detached_channel d) {
  detail::attach_as(c, static_cast<Derived&>(c), d);
}
template <class Derived, class Loop, class Transport>
void attach(dispatcher_with_send<Derived, Loop, Transport>& c, detached_channel d) {
  detail::attach_as(c, static_cast<Derived&>(c), d);
}
template <class Derived, class Loop, class Transport>
void attach(async_chat<Derived, Loop, Transport>& c, detached_channel d) = delete;
/// @}

/// Detaches `c`, and has `to`, which may run in another thread, emplace `Channel(to, args...)` and
/// attach it: `c` is gone, as after `detach`. When that fails there, it is logged and the
/// connection closed. Throws as `detach`, and `operation_canceled` when `to` is of a `loop_group`
/// and its `run` is over, before anything has changed; bad_alloc, when the connection is closed. A
/// loop of a group that ends before it has taken the connection closes it; another loop keeps it
/// for its next `run`, and closes it at its end. To be called in the thread of `c`; `to` lives
/// until it has been stopped.
template <class Channel, class... Args>
void move_channel(Channel& c, typename Channel::loop_type& to, Args&&... args) {
  if (channel_access::core(to).mail().is_closed())
    detail::throw_error(std::make_error_code(std::errc::operation_canceled),
                        "move_channel to a loop that has ended");
  to.post([&to, moved = detach(c), ... args = std::forward<Args>(args)]() mutable {
    Channel& arrived = to.template emplace<Channel>(std::move(args)...);
    detail::cleaning_up([&] { attach(arrived, std::move(moved)); }, [&] { arrived.close(); });
  });
}

}  // namespace asyncore

#endif

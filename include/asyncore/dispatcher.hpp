// SPDX-License-Identifier: BSL-1.0
/// A channel that owns a socket: servers, clients and their connections.
#ifndef ASYNCORE_DISPATCHER_HPP
#define ASYNCORE_DISPATCHER_HPP

#include <asyncore/channel/io_channel.hpp>
#include <asyncore/concept/fwd.hpp>
#include <asyncore/concept/transport.hpp>
#include <asyncore/sys/endpoint.hpp>
#include <asyncore/sys/socket.hpp>

#include <sys/socket.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace asyncore {

template <class Derived, class Loop, class Transport>
class dispatcher_with_send;

namespace detail {
/// Pipes and files neither connect nor accept.
template <class Transport>
inline constexpr unsigned socket_calls =
    std::is_same_v<Transport, file_transport> ? 0 : calls_connect;
}  // namespace detail

/// Python's `asyncore.dispatcher`. Hooks that `Derived` may define: `handle_data` or
/// `handle_read`, `handle_write`, `handle_expt`, `handle_close`, `handle_error`,
/// `handle_connect`, and `handle_accepted(socket, endpoint)` or `handle_accept`; predicates:
/// `readable`, `writable`. It watches for writing only while it connects, or while a class that
/// defines `handle_write` says `writable`.
template <class Derived, class Loop = default_loop, class Transport = socket_transport>
class dispatcher : public io_channel<Derived, Loop, Transport> {
  friend detail::kind_tag<dispatcher, detail::socket_calls<Transport>> asyncore_kind(dispatcher*) {
    return {};
  }
  using base = io_channel<Derived, Loop, Transport>;

 public:
  /// A channel without a socket; `create_socket` or `set_socket` gives it one.
  explicit dispatcher(Loop& loop) noexcept : base(loop) {}

  /// Takes over `peer` and enters the loop. Throws as `set_socket`.
  dispatcher(Loop& loop, socket peer) : base(loop) { set_socket(std::move(peer)); }

  /// With the default loop, the loop may be left out: it is this thread's.
  dispatcher()
    requires std::is_same_v<Loop, default_loop>
      : dispatcher(this_thread_loop<Loop>()) {}
  explicit dispatcher(socket peer)
    requires std::is_same_v<Loop, default_loop>
      : dispatcher(this_thread_loop<Loop>(), std::move(peer)) {}

  bool connected() const noexcept { return has(is_connected); }
  bool accepting() const noexcept { return has(is_accepting); }
  bool connecting() const noexcept { return has(is_connecting); }
  /// True once the end has been reported by `handle_close`.
  bool closing() const noexcept { return has(base::close_reported); }

  /// The peer's address; while connecting the one that `connect` was given, without a peer the
  /// socket's own; empty without a socket.
  endpoint addr() const;

  /// The socket's own address: after `bind` to port 0 it tells the port.
  endpoint local_addr() const;

  /// Creates a socket and enters the loop. `family`: AF_INET, AF_INET6 or AF_UNIX, `type`:
  /// SOCK_STREAM or SOCK_DGRAM; a kind with an out-queue, which would merge datagrams, refuses that
  /// with `wrong_protocol_type`. Throws `std::system_error`, as do all set-up calls; each has an
  /// overload that reports by `failed` instead.
  void create_socket(int family = AF_INET, int type = SOCK_STREAM);
  void create_socket(int family, int type, std::error_code& failed);

  /// Takes over a socket and enters the loop; a socket that it had is closed. A socket of unknown
  /// origin is made non-blocking and asked whether it is connected; a datagram socket is refused as
  /// by `create_socket`, and closed.
  void set_socket(socket peer);
  void set_socket(socket peer, std::error_code& failed);

  /// Allows `bind` to an address that connections of an earlier server still linger on
  /// (socket(7), SO_REUSEADDR). Errors are ignored, as in Python.
  void set_reuse_addr() noexcept;

  /// Allows several sockets to be bound to an address, all of which ask for it: the kernel shares
  /// the connections out among those that listen (socket(7), SO_REUSEPORT). Throws where there is
  /// no such thing.
  void set_reuse_port();
  void set_reuse_port(std::error_code& failed) noexcept;

  void bind(const endpoint& where);
  void bind(const endpoint& where, std::error_code& failed);

  /// Accepts from the next turn on. `backlog`: how many connections the kernel keeps waiting. The
  /// poller watches the socket already when this returns, or it throws.
  void listen(int backlog = SOMAXCONN);
  void listen(int backlog, std::error_code& failed);

  /// Starts to connect. The outcome is reported from the next turn on, never from inside:
  /// `handle_connect`, or `handle_error` with a `std::system_error` that names the address.
  /// Throws when the attempt is refused at once.
  void connect(const endpoint& to);
  void connect(const endpoint& to, std::error_code& failed);

  /// A connection that waits, with its peer's address; nothing when there is none, when it went
  /// away meanwhile, or when accept(2) fails, as without a free descriptor: then accepting pauses
  /// for a while, which is logged. Connections that the loop has no room for are closed at once,
  /// and logged. Throws `std::system_error` for what is a mistake of the program: EBADF, EINVAL,
  /// ENOTSOCK and EFAULT.
  std::optional<std::pair<socket, endpoint>> accept();

  /// Shuts down a direction (SHUT_RD, SHUT_WR, SHUT_RDWR): SHUT_WR is a half-close.
  void shutdown(int how = SHUT_WR);
  void shutdown(int how, std::error_code& failed);

  /// Sends a datagram; returns its size, `would_block`, or the error.
  io_result sendto(bytes_view bytes, const endpoint& to) {
    return io_result(this->loop().system().sendto(this->native_handle(), bytes, to));
  }
  /// Receives a datagram and where it came from; what does not fit in `into` is lost.
  [[nodiscard]] io_result recvfrom(std::span<std::byte> into, endpoint& from) {
    const io_result got(this->loop().system().recvfrom(this->native_handle(), into, from));
    if (got.would_block()) [[unlikely]]
      this->clear_hidden_errors();
    return got;
  }

  /// Gives the socket away, open and non-blocking; an empty one when there is none. The channel
  /// leaves its loop as by `close`: without `handle_close`, and an owned one is destroyed at the end
  /// of the turn. The last hook, `handle_closed`, is called. May be called in the channel's own
  /// hooks; bytes that the kernel has received and nobody has read stay in the socket.
  [[nodiscard]] socket release_socket() noexcept {
    if (this->native_handle() < 0) return {};
    socket given(this->release_descriptor());
    forget_connection();
    return given;
  }

  void close() noexcept {
    forget_connection();
    base::close();
  }

  /// Accepts up to this many connections a turn (law 10); a class may define its own.
  static constexpr int accept_batch = 16;

  /// Accepts none while the loop has this many channels, the listener among them: those who connect
  /// wait until one closes. A class may define its own, as a constant or as a member.
  static constexpr std::size_t connection_limit = std::numeric_limits<std::size_t>::max();

  /// What becomes of those who connect while there is no free descriptor: false, they wait until
  /// there is one; true, they are closed at once, by means of a descriptor that the loop keeps from
  /// `listen` on. A class may define its own.
  static constexpr bool turns_away = false;

  /// Called when an exception left a hook (see `io_channel`), or when the system refused what the
  /// channel needs. A listener logs it, stays open and goes on: what one connection throws must not
  /// keep the next ones out. Others do as `io_channel`.
  ASYNCORE_COLD void handle_error() {
    if (!has(is_accepting)) return base::handle_error();
    this->log_error("uncaught exception, the listener goes on: ");
  }

  /// Accepts a batch and gives each connection to `handle_accepted`. What that throws for one of
  /// them reaches `handle_error`, and the others follow.
  void handle_accept();

  void handle_read_event() {
    if (has(is_accepting | base::is_paused)) [[unlikely]]
      return accept_unless_paused();
    this->deliver_read();
  }
  void handle_write_event() {
    if (has(is_connecting)) return handle_connect_event();
    base::handle_write_event();
  }
  void handle_expt_event();
  void handle_hangup_event();
  /// Finishes a connection attempt by SO_ERROR (connect(2), EINPROGRESS).
  void handle_connect_event();

  std::string description() const;
  interest wanted_interest();
  bool may_read() const noexcept { return has(is_connected | is_datagram) && base::may_read(); }
  void resume_accepting() noexcept;
  bool is_connectionless() const noexcept { return has(is_datagram); }
  bool reads_later() noexcept {
    pause_accepting(true);
    return true;
  }
  /// A listener tries again later.
  void give_up() noexcept {
    if (has(is_accepting)) return pause_accepting(true);
    base::give_up();
  }
  void abandon() noexcept {
    forget_connection();
    base::abandon();
  }

 protected:
  using typename base::core_type;
  using typename base::state_bits;
  static constexpr state_bits is_connected = base::first_free_bit;
  static constexpr state_bits is_connecting = base::first_free_bit << 1;
  static constexpr state_bits is_accepting = base::first_free_bit << 2;
  static constexpr state_bits is_starved = base::first_free_bit << 3;  // no descriptor to accept
  static constexpr state_bits first_free_bit = base::first_free_bit << 4;
  using base::is_datagram;

  ~dispatcher() { forget_connection(); }

  bool has(state_bits bits) const noexcept { return (this->state_ & bits) != 0; }

  void accept_unless_paused() {
    if (!base::reading_paused()) accept_event();
  }

 private:
  /// True for the kinds that gather what they send.
  static consteval bool gathers() {
    return std::is_base_of_v<dispatcher_with_send<Derived, Loop, Transport>, Derived>;
  }
  static consteval bool accepts() {
    static_assert(detail::defines_handle_accept<Derived>());
    return detail::defines_handle_accepted<Derived>() ||
           !std::is_same_v<decltype(&Derived::handle_accept), decltype(&dispatcher::handle_accept)>;
  }

  void accept_event();
  bool accepts_after(int error);
  void log_paused(int error, std::string_view type);
  void pause_accepting(bool for_a_while) noexcept;
  bool turn_away();
  void log_refused(const std::pair<socket, endpoint>& peer, std::error_code why);
  void enter(int fd, state_bits state, std::error_code& failed);
  void connect_failed(int error);
  void forget_connection() noexcept {
    delete target_;
    target_ = nullptr;
    this->state_ &= base::close_reported;
  }

  endpoint* target_ = nullptr;  // while connecting
};

}  // namespace asyncore

#include <asyncore/channel/accepting.hpp>
#include <asyncore/channel/connecting.hpp>
#include <asyncore/channel/setup.hpp>

#endif

// SPDX-License-Identifier: BSL-1.0
/// Reading and writing in a simulated kernel.
#ifndef ASYNCORE_SIM_TRANSFER_HPP
#define ASYNCORE_SIM_TRANSFER_HPP

#include <asyncore/sim/call.hpp>
#include <asyncore/sim/network.hpp>

#include <netinet/in.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace asyncore::detail {

class sim_transfer : public sim_network {
 public:
  using sim_network::sim_network;

  std::ptrdiff_t read(sim_call call, int fd, std::span<std::byte> into, endpoint* from = nullptr) {
    int failed = 0;
    sim_node* const n = enter(call, fd, failed);
    if (failed == 0 && call != sim_call::read && !is_socket(*n)) failed = ENOTSOCK;
    return leave(call, fd, failed != 0 ? -failed : read_node(*n, into, from));
  }

  std::ptrdiff_t write(sim_call call, int fd, std::span<const iovec> pieces,
                       const endpoint* to = nullptr) {
    int failed = 0;
    sim_node* const n = enter(call, fd, failed);
    if (failed == 0) check_pieces(pieces);
    if (failed == 0 && call != sim_call::write && !is_socket(*n)) failed = ENOTSOCK;
    return leave(call, fd, failed != 0 ? -failed : write_node(*n, pieces, to));
  }

  // Which call is to fail

  /// Has the `n`th call from now on, 1 being the next, fail with the `choice`th of the errors that
  /// it can give. With several choices, `failed_call` tells when there are no more.
  void fail_call(std::uint64_t n, std::size_t choice = 0) noexcept {
    fail_at_ = calls_made_ + n;
    fail_choice_ = choice;
    failed_ = {};
  }
  struct failure {
    bool reached = false;  // the call was made
    bool chosen = false;   // and there was such a choice
    sim_call call = sim_call::read;
    int error = 0;
  };
  const failure& failed_call() const noexcept { return failed_; }

  /// The number of system calls that were made.
  std::uint64_t calls_made() const noexcept { return calls_made_; }

  /// A report on `fd`, which referred to `node` when the wait ended, is about to be dispatched.
  void begin_report(int fd, sim_ref node) noexcept {
    reported_fd_ = fd;
    reported_ = node;
  }
  void end_report() noexcept { reported_fd_ = -1; }

  /// True while a call is being made: an allocation then is the kernel's, and does not fail.
  bool busy() const noexcept { return busy_; }

 protected:
  /// Begins a call on a descriptor: null, and `failed`, when there is nothing to be done.
  sim_node* enter(sim_call call, int fd, int& failed) {
    const bool stale = fd == reported_fd_ && at(fd) != nullptr && at(fd)->self != reported_;
    failed = enter(call);
    sim_node* const n = at(fd);
    if (stale) object(joined({"a report on ", fd_text(fd), " reaches who has it now"}));
    if (n == nullptr) {
      if (fd >= 0)
        object(joined({call_name(call), " of ", fd_text(fd), ", which is not open"}));
      failed = EBADF;
      return nullptr;
    }
    if (failed != 0) {
      fail(*n, failed);
    } else if (n->kind == node_kind::stream && n->state == stream_state::connected) {
      disturb(call, *n);
    }
    return n;
  }
  /// Begins a call; returns the error it is to fail with, or 0.
  int enter(sim_call call) noexcept {
    busy_ = true;
    reported_fd_ = -1;
    if (++calls_made_ != fail_at_) return 0;
    const std::span<const int> errors = call_errors(call);
    failed_ = {true, fail_choice_ < errors.size(), call, 0};
    if (failed_.chosen) failed_.error = errors[fail_choice_];
    return failed_.error;
  }
  template <class Result>
  Result leave(sim_call call, int fd, Result result) noexcept {
    busy_ = false;
    trace_.note(now_, call, fd, static_cast<std::int64_t>(result));
    if (call != sim_call::wait) ++activity_;
    if (gets_on(call, result)) idle_waits_ = 0;
    return result;
  }

  static bool is_socket(const sim_node& n) noexcept {
    return n.kind == node_kind::stream || n.kind == node_kind::datagram;
  }

  std::uint64_t calls_made_ = 0;
  std::uint64_t activity_ = 0;  // calls other than waits
  bool busy_ = false;
  // What a poller reports on, until the first call that comes of it.
  int reported_fd_ = -1;
  sim_ref reported_;

 private:
  static bool gets_on(sim_call call, std::int64_t result) noexcept {
    switch (call) {
      case sim_call::read:
      case sim_call::write:
      case sim_call::recv:
      case sim_call::send:
        return result > 0;
      case sim_call::recvfrom:
      case sim_call::sendto:
      case sim_call::socket:
      case sim_call::connect:
      case sim_call::accept:
      case sim_call::shutdown:
      case sim_call::close:
      case sim_call::dup:
        return result >= 0 || result == -EINPROGRESS;
      default:
        return false;
    }
  }

  /// The faults that end a connection while a call is made.
  void disturb(sim_call call, sim_node& n) {
    sim_node* const peer = find_open(n.peer);
    const bool writes = call == sim_call::send || call == sim_call::write;
    if (fires(fault::connection_reset)) {
      mark(n, peer);
      break_connection(n, ECONNRESET);
    } else if (writes && fires(fault::broken_pipe)) {
      mark(n, peer);
      break_connection(n, EPIPE);
    } else if (peer != nullptr && peer->actor != 0 && fires(fault::peer_closes)) {
      mark(n, peer);
      touch(*peer);
      close_node(*peer);
    }
  }
  /// A call fails because it was told to; if that says so, the connection is over.
  void fail(sim_node& n, int error) {
    mark(n, find_open(n.peer));
    const bool over = error == ECONNRESET || error == EPIPE || error == ETIMEDOUT;
    if (!over || n.kind != node_kind::stream || n.state != stream_state::connected) return;
    break_connection(n, error);
    n.error = 0;  // told by this call
  }
  static void mark(sim_node& n, sim_node* peer) noexcept {
    n.disturbed = true;
    if (peer != nullptr) peer->disturbed = true;
  }

  /// How much of `count` bytes, at least one, the kernel moves.
  std::size_t some_of(std::size_t count, fault one, fault several) noexcept {
    if (count < 2) return count;
    if (fires(one)) return 1;
    return fires(several) ? static_cast<std::size_t>(random_.between(1, count - 1)) : count;
  }

  /// Behind what was read nothing is as it was: who looks there sees that.
  static void scribble(std::span<std::byte> rest) noexcept {
    if (!rest.empty())
      std::memset(rest.data(), 0xdb, rest.size() < 16 ? rest.size() : std::size_t{16});
  }

  std::ptrdiff_t read_node(sim_node& n, std::span<std::byte> into, endpoint* from) {
    while (fires(fault::interrupted)) continue;  // and made again
    switch (n.kind) {
      case node_kind::datagram:
        return read_datagram(n, into, from);
      case node_kind::file:
        return read_file(n, into);
      case node_kind::stream:
        if (n.state == stream_state::fresh) return n.local ? -EINVAL : -ENOTCONN;
        if (n.state == stream_state::listening) return n.local ? -EINVAL : -ENOTCONN;
        if (n.state == stream_state::connecting) return -EAGAIN;
        break;
      case node_kind::pipe_reader:
        break;
      default:
        return -EBADF;
    }
    if (from != nullptr) *from = endpoint();
    if (into.empty()) return 0;
    if (n.arrived == 0) return at_end(n);
    if (fires(fault::again_after_readiness)) return -EAGAIN;
    const std::size_t count = some_of(std::min(n.arrived, into.size()), fault::one_byte_read,
                                      fault::short_read);
    take(n, into.first(count));
    scribble(into.subspan(count));
    return static_cast<std::ptrdiff_t>(count);
  }

  std::ptrdiff_t at_end(sim_node& n) noexcept {
    if (n.kind == node_kind::pipe_reader) return find_open(n.peer) == nullptr ? 0 : -EAGAIN;
    if (n.error != 0 && n.error != EPIPE) return -std::exchange(n.error, 0);
    return n.read_over ? 0 : -EAGAIN;
  }

  std::ptrdiff_t read_datagram(sim_node& n, std::span<std::byte> into, endpoint* from) {
    if (n.error != 0) return -std::exchange(n.error, 0);
    if (n.messages.empty() || fires(fault::again_after_readiness)) return -EAGAIN;
    const sim_datagram& message = n.messages.front();
    const std::size_t count = std::min(message.bytes.size(), into.size());
    if (count > 0) std::memcpy(into.data(), message.bytes.data(), count);
    if (from != nullptr) *from = message.from;
    n.messages.pop_front();
    scribble(into.subspan(count));
    return static_cast<std::ptrdiff_t>(count);
  }

  std::ptrdiff_t read_file(sim_node& n, std::span<std::byte> into) {
    const std::size_t left = n.content->size() - n.position;
    const std::size_t count = some_of(std::min(left, into.size()), fault::one_byte_read,
                                      fault::short_read);
    if (count > 0) std::memcpy(into.data(), n.content->data() + n.position, count);
    n.position += count;
    scribble(into.subspan(count));
    return static_cast<std::ptrdiff_t>(count);
  }

  void check_pieces(std::span<const iovec> pieces) {
    constexpr std::size_t most_pieces = 1024;  // IOV_MAX
    if (pieces.empty() || pieces.size() > most_pieces)
      object(joined({"a write of ", std::to_string(pieces.size()), " pieces"}));
  }

  std::ptrdiff_t write_node(sim_node& n, std::span<const iovec> pieces, const endpoint* to) {
    while (fires(fault::interrupted)) continue;
    if (fires(fault::no_buffers)) return -ENOBUFS;
    if (n.kind == node_kind::datagram) return write_datagram(n, pieces, to);
    if (n.kind == node_kind::file) return write_file(n, pieces);
    if (n.kind == node_kind::pipe_writer) {
      if (find_open(n.peer) == nullptr) return -EPIPE;
    } else if (n.kind == node_kind::stream) {
      if (n.error != 0) return -std::exchange(n.error, 0);
      if (n.state == stream_state::connecting) return -EAGAIN;
      if (n.state == stream_state::fresh && n.local) return -ENOTCONN;
      if (n.state != stream_state::connected || n.write_over) return -EPIPE;
    } else {
      return -EBADF;
    }
    std::size_t total = 0;
    for (const iovec& piece : pieces) total += piece.iov_len;
    sim_node* const peer = find_open(n.peer);
    if (peer == nullptr) return write_to_nobody(n, total);
    if (total == 0) return 0;
    const std::size_t room = peer->in.room();
    if (room == 0 || fires(fault::again_after_readiness)) return -EAGAIN;
    return metered(n, gather(*peer, pieces,
                             some_of(std::min(total, room), fault::one_byte_write,
                                     fault::short_write)));
  }
  static std::ptrdiff_t metered(sim_node& n, std::ptrdiff_t count) noexcept {
    if (n.meter != nullptr) *n.meter += static_cast<std::uint64_t>(count);
    return count;
  }

  /// The first write to a socket that is closed succeeds; a reset answers it.
  std::ptrdiff_t write_to_nobody(sim_node& n, std::size_t total) {
    if (n.local) {
      finish_arrivals(n);  // what it sent before is there, and not on its way
      return -EPIPE;
    }
    if (total > 0) answer_with_reset(n);
    return metered(n, static_cast<std::ptrdiff_t>(total));
  }

  std::ptrdiff_t gather(sim_node& peer, std::span<const iovec> pieces, std::size_t most) {
    std::size_t left = most;
    for (const iovec& piece : pieces) {
      const std::size_t count = std::min(left, piece.iov_len);
      peer.in.push({static_cast<const std::byte*>(piece.iov_base), count});
      left -= count;
    }
    sent(peer, most);
    return static_cast<std::ptrdiff_t>(most);
  }

  std::ptrdiff_t write_datagram(sim_node& n, std::span<const iovec> pieces, const endpoint* to) {
    if (n.error != 0) return -std::exchange(n.error, 0);
    const endpoint& where = to != nullptr ? *to : n.peer_name;
    if (!where) return -EDESTADDRREQ;
    give_port(n, where.family());
    sim_datagram message{n.name, {}};
    for (const iovec& piece : pieces) {
      const auto* const bytes = static_cast<const std::byte*>(piece.iov_base);
      message.bytes.insert(message.bytes.end(), bytes, bytes + piece.iov_len);
    }
    constexpr std::size_t largest = 65507;  // that an IPv4 packet carries
    if (message.bytes.size() > largest) return -EMSGSIZE;
    const auto size = static_cast<std::ptrdiff_t>(message.bytes.size());
    sim_node* peer = find_name(where, node_kind::datagram);
    // One that is connected hears only its peer.
    if (peer != nullptr && peer->peer_name && !(peer->peer_name == n.name)) {
      if (n.local) return -EPERM;
      peer = nullptr;
    }
    if (peer == nullptr) {
      if (n.local) return -ECONNREFUSED;
      report_icmp(n, to == nullptr);
      return size;
    }
    if (peer->messages.size() >= options_.datagrams) return n.local ? -EAGAIN : size;  // lost
    peer->messages.push_back(std::move(message));
    touch(*peer);
    return size;
  }

  /// An ICMP message says that nobody has the port.
  void report_icmp(sim_node& n, bool connected) {
    const bool queues = n.option(IPPROTO_IP, IP_RECVERR) != 0;
    if (connected || queues) n.error = ECONNREFUSED;
    if (queues) ++n.queued_errors;
  }

  std::ptrdiff_t write_file(sim_node& n, std::span<const iovec> pieces) {
    std::ptrdiff_t total = 0;
    for (const iovec& piece : pieces) {
      const auto* const bytes = static_cast<const std::byte*>(piece.iov_base);
      const std::size_t end = n.position + piece.iov_len;
      if (n.content->size() < end) n.content->resize(end);
      if (piece.iov_len > 0) std::memcpy(n.content->data() + n.position, bytes, piece.iov_len);
      n.position = end;
      total += static_cast<std::ptrdiff_t>(piece.iov_len);
    }
    return total;
  }

  std::uint64_t fail_at_ = 0;
  std::size_t fail_choice_ = 0;
  failure failed_;
};

}  // namespace asyncore::detail

#endif

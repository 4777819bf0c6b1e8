// SPDX-License-Identifier: BSL-1.0
/// What a simulated descriptor refers to.
#ifndef ASYNCORE_SIM_NODE_HPP
#define ASYNCORE_SIM_NODE_HPP

#include <asyncore/sim/byte_ring.hpp>
#include <asyncore/sys/endpoint.hpp>
#include <asyncore/word/interest.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace asyncore {

/// Names a node; a node that is gone is told apart from one that took its place.
struct sim_ref {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 0 names nothing

  explicit operator bool() const noexcept { return generation != 0; }
  friend bool operator==(sim_ref, sim_ref) noexcept = default;
};

enum class node_kind : std::uint8_t {
  none,
  stream,
  datagram,
  pipe_reader,
  pipe_writer,
  file,
  epoll
};
enum class stream_state : std::uint8_t { fresh, listening, connecting, connected, closed };

struct sim_datagram {
  endpoint from;
  std::vector<std::byte> bytes;
};

/// An open file description: a socket, one end of a pipe, or a file.
struct sim_node {
  sim_ref self;
  node_kind kind = node_kind::none;
  stream_state state = stream_state::fresh;
  bool local = false;        // a UNIX socket
  bool read_over = false;    // no more comes behind the bytes that are here
  bool write_over = false;   // no more may be sent
  bool hung_up = false;      // reported although one direction may be open
  bool disturbed = false;    // a fault has ended the connection
  bool dead = false;         // closed here; lasts while something is on its way
  bool was_connected = false;
  bool connect_unsaid = false;  // connected since, and no connect has said so
  bool urgent = false;       // out-of-band data is here
  std::byte urgent_byte{};
  bool resets = false;       // its close resets the peer
  int error = 0;             // SO_ERROR
  int queued_errors = 0;     // in the error queue, which a read does not empty
  std::size_t stuck = 0;     // of a pipe whose reader has gone: the bytes in it
  int references = 0;        // descriptors, or 1 for a peer's
  std::uint32_t actor = 0;   // who is told of changes; 0: nobody

  detail::byte_ring in;      // what travels to this node and waits here
  std::size_t arrived = 0;   // of it, what can be read
  std::chrono::nanoseconds last_arrival{0};
  std::uint32_t in_flight = 0;  // events on their way to this node

  mutable std::uint64_t* meter = nullptr;  // counts what it sends, for whoever has set it

  sim_ref peer;
  endpoint name, peer_name;
  bool bound = false;  // the name is found by others
  std::vector<std::array<int, 3>> options;  // level, name and value of those that were set

  /// The value that was set last; 0: none was.
  int option(int level, int number) const noexcept {
    int value = 0;
    for (const auto& [of, which, set] : options)
      if (of == level && which == number) value = set;
    return value;
  }

  int backlog = 0;
  int attempts = 0;
  std::deque<sim_ref> waiting;  // connections to be accepted

  std::deque<sim_datagram> messages;

  std::shared_ptr<std::vector<std::byte>> content;  // of a file
  std::size_t position = 0;
};

namespace detail {

inline readiness ready_if(bool on, readiness bits) noexcept { return on ? bits : readiness::none; }

/// Linux wakes writers when a third of the buffer is free, not at the first byte.
inline bool has_write_room(const byte_ring& ring) noexcept {
  return ring.room() * 3 >= ring.capacity();
}

/// As tcp_poll and unix_poll of Linux answer.
inline readiness stream_readiness(const sim_node& n, const sim_node* peer) noexcept {
  if (n.state == stream_state::listening) return ready_if(!n.waiting.empty(), readiness::read);
  if (n.state == stream_state::connecting) return ready_if(n.error != 0, readiness::error);
  readiness ready = ready_if(n.error != 0 || n.queued_errors > 0, readiness::error);
  const bool idle = n.state == stream_state::fresh || n.state == stream_state::closed;
  ready |= ready_if(idle || n.hung_up || (n.read_over && n.write_over), readiness::hangup);
  ready |= ready_if(n.read_over || n.arrived > 0, readiness::read);
  // A UNIX socket that may not send any more is writable only if there were room.
  const bool room = peer == nullptr || (n.write_over && !n.local) || has_write_room(peer->in);
  ready |= ready_if(room, readiness::write);
  ready |= ready_if(n.urgent, readiness::expt);
  return ready;
}

/// What a poller finds. `peer`: the node at the other end, null when it is gone.
inline readiness node_readiness(const sim_node& n, const sim_node* peer) noexcept {
  switch (n.kind) {
    case node_kind::stream:
      return stream_readiness(n, peer);
    case node_kind::datagram:
      return ready_if(!n.messages.empty(), readiness::read) | readiness::write |
             ready_if(n.error != 0 || n.queued_errors > 0, readiness::error);
    case node_kind::pipe_reader:
      return ready_if(n.arrived > 0, readiness::read) |
             ready_if(peer == nullptr, readiness::hangup);
    case node_kind::pipe_writer:
      if (peer == nullptr)
        return readiness::error |
               ready_if((n.in.capacity() - n.stuck) * 3 >= n.in.capacity(), readiness::write);
      return ready_if(has_write_room(peer->in), readiness::write);
    case node_kind::file:
      return readiness::read | readiness::write;
    default:
      return readiness::none;
  }
}

}  // namespace detail
}  // namespace asyncore

#endif

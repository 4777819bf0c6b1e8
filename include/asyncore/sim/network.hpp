// SPDX-License-Identifier: BSL-1.0
/// How bytes, ends and connections travel between the nodes of a simulation.
#ifndef ASYNCORE_SIM_NETWORK_HPP
#define ASYNCORE_SIM_NETWORK_HPP

#include <asyncore/sim/world.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace asyncore::detail {

class sim_network : public sim_world {
 public:
  using sim_world::sim_world;

  /// What became of the wait for the next event.
  enum class step { event, deadline, nothing };

  /// Does what is due now.
  void deliver_due() {
    while (!events_.empty() && events_.next().at <= now_) happen(events_.pop());
  }

  /// Turns the clock to the next event, but not beyond `deadline`, and lets happen what is due.
  step advance(std::optional<time_point> deadline) {
    const bool event = !events_.empty() && (!deadline || events_.next().at <= *deadline);
    if (!event && !deadline) return step::nothing;
    const time_point to = event ? events_.next().at : *deadline;
    if (to > now_) now_ = to;
    trace_.note(now_, sim_call::clock, 0, event ? 1 : 0);
    idle_waits_ = 0;
    deliver_due();
    return event ? step::event : step::deadline;
  }

  // Streams

  void join(sim_node& a, sim_node& b) noexcept {
    a.peer = b.self;
    b.peer = a.self;
    for (sim_node* const n : {&a, &b}) {
      n->state = stream_state::connected;
      n->was_connected = true;
    }
  }

  /// Gives the other end what it takes of `bytes`; returns how much.
  std::size_t transmit(sim_node& to, std::span<const std::byte> bytes) {
    const std::size_t count = to.in.push(bytes);
    if (count > 0) sent(to, count);
    return count;
  }

  /// `count` bytes that have been put into a node are on their way to it; through a pipe they
  /// are there at once.
  void sent(sim_node& to, std::size_t count) {
    const auto value = static_cast<std::int64_t>(count);
    if (to.kind == node_kind::pipe_reader) return arrive(to, sim_event_kind::arrival, value);
    travel(to, sim_event_kind::arrival, value);
  }

  /// Resets a node whose bytes have gone to a socket that is closed.
  void answer_with_reset(sim_node& n) { travel(n, sim_event_kind::reset, ECONNRESET); }

  /// Moves `into.size()` bytes of what has arrived out of a node, and tells who may send again.
  void take(sim_node& n, std::span<std::byte> into) {
    const bool full = !has_write_room(n.in);
    n.in.pop(into);
    n.arrived -= into.size();
    if (sim_node* const peer = find_open(n.peer); full && peer != nullptr) touch(*peer);
  }

  void shut_writing(sim_node& n) {
    if (std::exchange(n.write_over, true)) return;
    if (sim_node* const peer = find(n.peer)) travel(*peer, sim_event_kind::end, 0);
  }

  /// Receives no more. The other end of a UNIX stream is told, and may not send any more.
  void shut_reading(sim_node& n) {
    n.read_over = true;
    sim_node* const peer = n.local ? find_open(n.peer) : nullptr;
    if (peer == nullptr) return;
    peer->write_over = true;
    touch(*peer);
  }

  /// The network, or the other side, tears the connection down at both ends.
  void break_connection(sim_node& n, int error) {
    if (sim_node* const peer = find(n.peer)) receive_reset(*peer, ECONNRESET);
    receive_reset(n, error);
  }

  /// A node loses its last descriptor.
  void close_node(sim_node& n) {
    n.references = 0;
    n.dead = true;
    switch (n.kind) {
      case node_kind::stream:
        close_stream(n);
        break;
      case node_kind::pipe_reader:
      case node_kind::pipe_writer:
        if (sim_node* const peer = find(n.peer)) {
          if (n.kind == node_kind::pipe_writer) finish_arrivals(*peer);
          peer->stuck = n.in.size();
          touch(*peer);
        }
        break;
      default:
        break;
    }
    remove_name(n);
    if (n.in_flight == 0) forget(n);
  }

  /// Starts, or goes on, to connect `n` to its `peer_name`.
  void try_connect(sim_node& n) {
    sim_node* const listener = find_listener(n.peer_name);
    if (listener == nullptr) return fail_connect(n, ECONNREFUSED);
    if (listener->waiting.size() > static_cast<std::size_t>(listener->backlog)) {
      // Linux drops the SYN; it is sent again after a second, two, four ... (tcp(7)).
      constexpr int most_attempts = 6;
      if (++n.attempts > most_attempts) return fail_connect(n, ETIMEDOUT);
      ++n.in_flight;
      events_.push(now_ + std::chrono::seconds(1ll << (n.attempts - 1)), sim_event_kind::connect,
                   n.self, 0);
      return;
    }
    establish(n, *listener);
  }

  void establish(sim_node& n, sim_node& listener) {
    sim_node& child = make_node(node_kind::stream);
    child.local = n.local;
    child.name = listener.name;
    child.peer_name = n.name;
    child.references = 0;
    n.connect_unsaid = !n.local;
    join(n, child);
    trace_.note(now_, sim_call::connected, n.self.index, child.self.index);
    listener.waiting.push_back(child.self);
    touch(n);
    touch(listener);
  }

  void fail_connect(sim_node& n, int error) {
    n.error = error;
    n.state = stream_state::closed;
    n.read_over = n.write_over = true;
    touch(n);
  }

  /// `error`: what comes of it in the end; 0: what the listener says.
  void start_connect(sim_node& n, int error) {
    time_point delay = options_.latency;
    if (error != 0 || fires(fault::delayed)) delay += time_point(random_.between(1, 10'000'000));
    n.state = stream_state::connecting;
    ++n.in_flight;
    events_.push(now_ + delay, sim_event_kind::connect, n.self, error);
  }

  // Names

  void add_name(sim_node& n) {
    n.bound = true;
    named_.push_back(n.self);
  }
  /// The kernel chooses a port for a socket that needs one.
  void give_port(sim_node& n, int family) {
    if (n.local || n.name.port() != 0) return;
    n.name = endpoint::ip(family == AF_INET6 ? "::1" : "127.0.0.1", ++last_port_);
    if (n.kind == node_kind::datagram) add_name(n);
  }
  /// A path of a UNIX socket stays when the socket is closed.
  bool has_path(const endpoint& name) const noexcept {
    return std::find(paths_.begin(), paths_.end(), name) != paths_.end();
  }
  void add_path(const endpoint& name) { paths_.push_back(name); }
  void remove_path(const endpoint& name) noexcept { std::erase(paths_, name); }
  sim_node* find_name(const endpoint& name, node_kind kind) noexcept {
    for (const sim_ref ref : named_) {
      sim_node* const n = find(ref);
      if (n->kind == kind && same_place(n->name, name)) return n;
    }
    return nullptr;
  }
  sim_node* find_listener(const endpoint& name) noexcept {
    for (const sim_ref ref : named_) {
      sim_node* const n = find(ref);
      if (n->state == stream_state::listening && same_place(n->name, name)) return n;
    }
    return nullptr;
  }

 protected:
  /// What is on its way to a node is there.
  void finish_arrivals(sim_node& n) noexcept { n.arrived = n.in.size(); }

  std::uint16_t last_port_ = 32767;
  std::uint32_t idle_waits_ = 0;  // since something came of one

 private:
  static bool same_place(const endpoint& bound, const endpoint& to) noexcept {
    if (bound == to) return true;
    if (bound.family() == AF_UNIX || bound.port() != to.port()) return false;
    return bound == endpoint::ip("0.0.0.0", bound.port()) ||
           bound == endpoint::ip("::", bound.port());
  }

  void remove_name(sim_node& n) noexcept {
    if (n.bound) std::erase(named_, n.self);
  }

  void travel(sim_node& to, sim_event_kind kind, std::int64_t value) {
    time_point delay = options_.latency;
    if (fires(fault::delayed)) delay += time_point(random_.between(1, 10'000'000));
    const time_point at = std::max(now_ + delay, to.last_arrival);
    if (at <= now_ && to.in_flight == 0) return arrive(to, kind, value);
    to.last_arrival = at;
    ++to.in_flight;
    events_.push(at, kind, to.self, value);
  }

  void happen(const sim_event& event) {
    switch (event.kind) {
      case sim_event_kind::wake:
        wake_up(event);
        return;
      case sim_event_kind::call: {
        const auto f = std::move(calls_[static_cast<std::size_t>(event.value)]);
        trace_.note(now_, sim_call::wake, 0, event.value);
        return f();
      }
      default:
        break;
    }
    sim_node& n = *find(event.target);  // which lasts while something is on its way to it
    --n.in_flight;
    if (n.dead) {
      if (n.in_flight == 0) forget(n);
    } else if (event.kind != sim_event_kind::connect) {
      arrive(n, event.kind, event.value);
    } else if (n.state == stream_state::connecting) {
      if (event.value == 0) return try_connect(n);
      n.disturbed = true;
      fail_connect(n, static_cast<int>(event.value));
    }
  }

  void wake_up(const sim_event& event) {
    actor_entry& entry = actors_[event.target.index];
    entry.waking = false;
    if (entry.actor == nullptr) return;
    trace_.note(now_, sim_call::wake, event.target.index, 0);
    entry.actor->ready();
  }

  void arrive(sim_node& n, sim_event_kind kind, std::int64_t value) {
    idle_waits_ = 0;
    if (kind == sim_event_kind::reset) return receive_reset(n, static_cast<int>(value));
    if (kind == sim_event_kind::arrival) {
      trace_.note(now_, sim_call::arrival, n.self.index, value);
      // A reset has dropped what came before it.
      n.arrived = std::min(n.arrived + static_cast<std::size_t>(value), n.in.size());
    } else {
      trace_.note(now_, sim_call::end, n.self.index, value);
      n.read_over = true;
      if (value != 0) n.hung_up = n.write_over = true;
    }
    touch(n);
  }

  void receive_reset(sim_node& n, int error) {
    if (n.state == stream_state::closed || n.dead) return;
    trace_.note(now_, sim_call::reset, n.self.index, error);
    finish_arrivals(n);
    // Behind an end it means that what was sent since went nowhere (Linux: tcp_reset).
    n.error = n.read_over && error == ECONNRESET && !n.local ? EPIPE : error;
    n.state = stream_state::closed;
    n.read_over = n.write_over = true;
    n.peer = {};
    touch(n);
  }

  void close_stream(sim_node& n) {
    if (n.state == stream_state::listening) {
      for (const sim_ref ref : n.waiting) abandon(*find(ref));
      n.waiting.clear();
      return;
    }
    sim_node* const peer = find_open(n.peer);
    if (peer == nullptr) return;
    // Unread: the other side is told that it went nowhere.
    if (n.in.size() > 0 || (n.resets && !n.local)) {
      travel(*peer, sim_event_kind::reset, ECONNRESET);
    } else if (n.local || fires(fault::hangup_with_data)) {
      if (!n.local) finish_arrivals(*peer);
      travel(*peer, sim_event_kind::end, 1);
    } else if (!n.write_over) {
      travel(*peer, sim_event_kind::end, 0);
    }
    touch(*peer);
  }

 public:
  /// Resets a connection that nobody has accepted.
  void abandon(sim_node& child) {
    if (sim_node* const peer = find_open(child.peer))
      travel(*peer, sim_event_kind::reset, ECONNRESET);
    child.dead = true;
    child.peer = {};
    if (child.in_flight == 0) forget(child);
  }

 private:
  std::vector<sim_ref> named_;
  std::vector<endpoint> paths_;
};

}  // namespace asyncore::detail

#endif

// SPDX-License-Identifier: BSL-1.0
/// The other side of a connection in a simulation: what a test lets it do.
#ifndef ASYNCORE_SIM_PEER_HPP
#define ASYNCORE_SIM_PEER_HPP

#include <asyncore/sim/kernel.hpp>
#include <asyncore/word/bytes.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace asyncore {

/// A client, or a server for one connection, in another process: it has no descriptor, its calls
/// do not fail, and it is no channel. What it is told to do happens when the loop waits. It reads
/// what comes unless it is paused. A class may derive from it and define `ready`.
class sim_peer : public detail::sim_actor {
 public:
  explicit sim_peer(sim_kernel& kernel) : kernel_(kernel), actor_(kernel.add_actor(*this)) {}
  sim_peer(const sim_peer&) = delete;
  sim_peer& operator=(const sim_peer&) = delete;
  virtual ~sim_peer() {
    close();
    kernel_.remove_actor(actor_);
  }

  /// Starts to connect to a listener. Without one it is refused. `from`: its own address.
  void connect(const endpoint& to, const endpoint& from = endpoint()) {
    make(to.family());
    sim_node& n = *node();
    n.peer_name = to;
    n.name = from;
    kernel_.start_connect(n, 0);
  }

  /// Waits for one connection at `where`, which has a port or a name.
  void listen(const endpoint& where) {
    make(where.family());
    sim_node& n = *node();
    n.name = where;
    kernel_.add_name(n);
    n.state = stream_state::listening;
    n.backlog = 1;
  }

  /// Sends all of `bytes`, when there is a connection and room.
  void send(bytes_view bytes) {
    out_.append(as_text(bytes));
    kernel_.wake(actor_);
  }
  /// Ends its stream when all is sent, and goes on reading.
  void shutdown() {
    ending_ = true;
    kernel_.wake(actor_);
  }
  /// Closes its socket; what has not been sent is lost.
  void close() {
    if (sim_node* const n = node()) {
      n->actor = 0;
      kernel_.close_node(*n);
    }
    node_ = {};
  }
  /// Closes its socket with a reset.
  void reset() {
    if (sim_node* const n = node()) kernel_.break_connection(*n, ECONNRESET);
    close();
  }
  /// Ends both directions, reads no more, and stays: a hangup of a UNIX stream. What has not been
  /// sent is lost.
  void hang_up() {
    out_.clear();
    paused_ = true;
    sim_node* const n = node();
    if (n == nullptr || n->state != stream_state::connected) return;
    kernel_.shut_reading(*n);
    kernel_.shut_writing(*n);
  }
  /// Stops reading, and goes on with it.
  void pause() noexcept { paused_ = true; }
  void resume() {
    paused_ = false;
    kernel_.wake(actor_);
  }

  /// What has been read; a test may clear it.
  std::string& received() noexcept { return received_; }
  /// What has not been sent yet.
  std::size_t unsent() const noexcept { return out_.size(); }
  bool connected() const noexcept { return connected_; }
  bool open() noexcept { return node() != nullptr; }
  /// The stream of the other side has ended, all of it read.
  bool ended() const noexcept { return ended_; }
  /// The connection was refused or reset, and why.
  int error() const noexcept { return error_; }
  /// A fault has ended the connection.
  bool disturbed() const noexcept { return disturbed_; }

  /// Called when something has changed: reads, sends, closes what is over.
  void ready() override {
    sim_node* n = node();
    if (n == nullptr) return lost();
    if (n->state == stream_state::listening) n = accept(*n);
    if (n == nullptr || n->state == stream_state::connecting) return;
    connected_ |= n->was_connected;
    read(*n);
    write(*n);
    note_end(*n);
  }

 protected:
  sim_kernel& kernel() noexcept { return kernel_; }

  /// Given what was read; keeps it.
  virtual void take(std::span<const std::byte> bytes) { received_.append(as_text(bytes)); }

  sim_node* node() noexcept { return kernel_.find_open(node_); }

 private:
  void make(int family) {
    close();
    connected_ = ended_ = ending_ = disturbed_ = false;
    error_ = 0;
    sim_node& n = kernel_.make_node(node_kind::stream);
    n.local = family == AF_UNIX;
    n.actor = actor_;
    node_ = n.self;
  }

  sim_node* accept(sim_node& listener) {
    if (listener.waiting.empty()) return nullptr;
    const sim_ref ref = listener.waiting.front();
    listener.waiting.pop_front();
    listener.actor = 0;
    kernel_.close_node(listener);
    node_ = ref;
    sim_node& n = *kernel_.find(ref);
    n.references = 1;
    n.actor = actor_;
    return &n;
  }

  void read(sim_node& n) {
    std::byte buffer[4096];
    while (!paused_ && n.arrived > 0) {
      const std::span<std::byte> into(buffer, std::min(n.arrived, sizeof buffer));
      kernel_.take(n, into);
      take(into);
    }
  }

  void write(sim_node& n) {
    if (n.state != stream_state::connected || n.write_over) return;
    sim_node* const other = kernel_.find_open(n.peer);
    if (!out_.empty()) {
      if (other == nullptr) return fail(n);
      out_.erase(0, kernel_.transmit(*other, bytes_view(out_)));
    }
    if (out_.empty() && ending_) kernel_.shut_writing(n);
  }

  /// What it sends to a socket that is closed is answered by a reset.
  void fail(sim_node& n) {
    if (n.local) {
      error_ = EPIPE;
      out_.clear();
    } else {
      kernel_.answer_with_reset(n);
    }
  }

  void note_end(sim_node& n) {
    disturbed_ |= n.disturbed;
    if (n.error != 0) error_ = n.error;
    if (n.arrived == 0 && n.read_over && n.error == 0) ended_ = true;
  }

  /// A fault has closed it.
  void lost() noexcept {
    if (node_) disturbed_ = true;
    node_ = {};
  }

  sim_kernel& kernel_;
  std::uint32_t actor_;
  sim_ref node_;
  std::string out_, received_;
  bool connected_ = false, ended_ = false, ending_ = false, paused_ = false, disturbed_ = false;
  int error_ = 0;
};

}  // namespace asyncore

#endif

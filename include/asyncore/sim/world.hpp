// SPDX-License-Identifier: BSL-1.0
/// The state of a simulation: nodes, descriptors, the clock and what is on its way.
#ifndef ASYNCORE_SIM_WORLD_HPP
#define ASYNCORE_SIM_WORLD_HPP

#include <asyncore/sim/event_queue.hpp>
#include <asyncore/sim/faults.hpp>
#include <asyncore/sim/ledger.hpp>
#include <asyncore/sim/node.hpp>
#include <asyncore/sim/random.hpp>
#include <asyncore/sim/trace.hpp>
#include <asyncore/word/duration.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace asyncore {

/// The dimensions of a simulated kernel.
struct sim_options {
  std::size_t buffer = 16384;  // bytes that one direction of a stream or pipe holds, at least 1
  std::size_t datagrams = 16;  // that a socket holds
  int descriptor_limit = 1024;
  std::chrono::nanoseconds latency{0};  // how long what is sent travels
};

namespace detail {

/// Told when something has changed at a node that belongs to it.
class sim_actor {
 public:
  virtual void ready() = 0;

 protected:
  ~sim_actor() = default;
};

class sim_world {
 public:
  using time_point = std::chrono::nanoseconds;

  sim_world(std::uint64_t seed, sim_options options) : random_(seed), options_(options) {
    descriptors_.set_limit(options.descriptor_limit);
    nodes_.push_back(nullptr);
    actors_.push_back({});
  }
  sim_world(const sim_world&) = delete;
  sim_world& operator=(const sim_world&) = delete;

  time_point now() const noexcept { return now_; }
  sim_random& random() noexcept { return random_; }
  sim_faults& faults() noexcept { return faults_; }
  sim_trace& trace() noexcept { return trace_; }
  const sim_options& options() const noexcept { return options_; }

  /// Notes what must not happen.
  void object(std::string text) {
    trace_.remark(text);
    violations_.add(joined({"at ", std::to_string(now_.count()), " ns: ", text}));
  }
  const sim_violations& violations() const noexcept { return violations_; }

  bool fires(fault kind) noexcept { return faults_.fires(kind, random_); }

  // Nodes

  sim_node& make_node(node_kind kind) {
    std::uint32_t index = 0;
    if (free_.empty()) {
      index = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back(std::make_unique<sim_node>());
    } else {
      index = free_.back();
      free_.pop_back();
    }
    sim_node& n = *nodes_[index];
    byte_ring memory = std::move(n.in);
    n = sim_node{};
    n.in = std::move(memory);
    n.in.reset(options_.buffer);
    n.kind = kind;
    n.self = {index, ++last_generation_};
    n.references = 1;
    return n;
  }
  sim_node* find(sim_ref ref) noexcept {
    if (!ref) return nullptr;
    sim_node* const n = nodes_[ref.index].get();
    return n->self == ref ? n : nullptr;
  }
  /// The node, unless it has been closed at its end.
  sim_node* find_open(sim_ref ref) noexcept {
    sim_node* const n = find(ref);
    return n != nullptr && !n->dead ? n : nullptr;
  }
  sim_node* at(int fd) noexcept { return find(descriptors_.find(fd)); }
  readiness ready(const sim_node& n) noexcept { return node_readiness(n, find_open(n.peer)); }

  void forget(sim_node& n) noexcept {
    free_.push_back(n.self.index);
    n.self.generation = 0;
    n.kind = node_kind::none;
  }

  // Actors

  std::uint32_t add_actor(sim_actor& actor) {
    actors_.push_back({&actor, false});
    return static_cast<std::uint32_t>(actors_.size() - 1);
  }
  void remove_actor(std::uint32_t id) noexcept { actors_[id].actor = nullptr; }

  /// Has whoever holds the node look at it, soon.
  void touch(const sim_node& n) { wake(n.actor); }
  void wake(std::uint32_t id) {
    if (id == 0 || std::exchange(actors_[id].waking, true)) return;
    events_.push(now_, sim_event_kind::wake, {id, 0}, 0);
  }

  /// Calls `f` when `delay` has passed.
  void after(time_point delay, std::function<void()> f) {
    calls_.push_back(std::move(f));
    events_.push(now_ + delay, sim_event_kind::call, {},
                 static_cast<std::int64_t>(calls_.size() - 1));
  }

 protected:
  struct actor_entry {
    sim_actor* actor = nullptr;
    bool waking = false;  // an event for it is under way
  };

  sim_random random_;
  sim_options options_;
  sim_faults faults_;
  sim_trace trace_;
  sim_violations violations_;
  time_point now_{1'000'000'000};  // 0 means nothing to a loop that waits for a time
  event_queue events_;
  descriptor_ledger descriptors_;
  std::vector<std::unique_ptr<sim_node>> nodes_;
  std::vector<std::uint32_t> free_;
  std::uint32_t last_generation_ = 0;
  std::vector<actor_entry> actors_;
  std::vector<std::function<void()>> calls_;
};

}  // namespace detail
}  // namespace asyncore

#endif

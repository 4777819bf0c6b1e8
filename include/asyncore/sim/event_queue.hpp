// SPDX-License-Identifier: BSL-1.0
/// What is going to happen in a simulation.
#ifndef ASYNCORE_SIM_EVENT_QUEUE_HPP
#define ASYNCORE_SIM_EVENT_QUEUE_HPP

#include <asyncore/sim/node.hpp>
#include <asyncore/word/duration.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace asyncore::detail {

enum class sim_event_kind : std::uint8_t { arrival, end, reset, connect, wake, call };

struct sim_event {
  std::chrono::nanoseconds at;
  std::uint64_t order;  // of those at the same time, the one that was made first comes first
  sim_event_kind kind;
  sim_ref target;
  std::int64_t value;
};

/// Events in the order of their times.
class event_queue {
 public:
  bool empty() const noexcept { return heap_.empty(); }
  const sim_event& next() const noexcept { return heap_.front(); }

  void push(std::chrono::nanoseconds at, sim_event_kind kind, sim_ref target, std::int64_t value) {
    heap_.push_back({at, ++made_, kind, target, value});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  sim_event pop() noexcept {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const sim_event event = heap_.back();
    heap_.pop_back();
    return event;
  }

 private:
  static bool later(const sim_event& a, const sim_event& b) noexcept {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }

  std::vector<sim_event> heap_;
  std::uint64_t made_ = 0;
};

}  // namespace asyncore::detail

#endif

// SPDX-License-Identifier: BSL-1.0
/// poll(2) of a simulated kernel.
#ifndef ASYNCORE_SIM_POLL_POLLER_HPP
#define ASYNCORE_SIM_POLL_POLLER_HPP

#include <asyncore/concept/poller.hpp>
#include <asyncore/sim/reports.hpp>

#include <chrono>
#include <optional>

namespace asyncore {

/// As `poll_poller`: milliseconds; hangups and errors come unasked; a descriptor that is not open
/// is hung up.
class sim_poll_poller : public detail::sim_watching_poller {
 public:
  static constexpr std::string_view name = "sim_poll";
  using sim_watching_poller::sim_watching_poller;

  template <class Sink>
  int wait(timeout_type timeout, Sink sink) {
    if (timeout) timeout = std::chrono::milliseconds(to_milliseconds(timeout));
    return reports_.wait(kernel_, timeout, watches_.all(),
                         [&](const detail::sim_watch& w) { return found(w); }, sink);
  }

 private:
  readiness found(const detail::sim_watch& w) noexcept {
    const sim_node* const n = kernel_.at(w.id.fd);
    if (n == nullptr) return readiness::hangup;  // POLLNVAL
    return kernel_.ready(*n) &
           (static_cast<readiness>(w.wanted) | readiness::error | readiness::hangup);
  }
};

static_assert(poller<sim_poll_poller>);

}  // namespace asyncore

#endif

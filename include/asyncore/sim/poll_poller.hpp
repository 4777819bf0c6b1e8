// SPDX-License-Identifier: BSL-1.0
/// poll(2) of a simulated kernel.
#ifndef ASYNCORE_SIM_POLL_POLLER_HPP
#define ASYNCORE_SIM_POLL_POLLER_HPP

#include <asyncore/concept/poller.hpp>
#include <asyncore/error.hpp>
#include <asyncore/sim/reports.hpp>

#include <chrono>
#include <optional>

namespace asyncore {

/// As `poll_poller`: milliseconds; hangups and errors come unasked; a descriptor that is not open
/// is hung up.
class sim_poll_poller {
 public:
  static constexpr std::string_view name = "sim_poll";
  using system = sim_system;

  explicit sim_poll_poller(sim_kernel& kernel) noexcept : kernel_(kernel) {}
  sim_poll_poller(const sim_poll_poller&) = delete;
  sim_poll_poller& operator=(const sim_poll_poller&) = delete;

  system& get_system() noexcept { return kernel_.system(); }

  std::error_code add(token t, interest wanted) {
    watches_.make_room();
    if (const int failed = kernel_.watch(t.fd, true); failed != 0) return errno_code(failed);
    watches_.add({t, wanted, {}});
    return {};
  }
  std::error_code modify(token t, interest wanted) {
    detail::sim_watch* const w = watches_.find(t.fd);
    if (w == nullptr) return errno_code(ENOENT);
    *w = {t, wanted, {}};
    return {};
  }
  void remove(token t) noexcept {
    detail::sim_watch* const w = watches_.find(t.fd);
    if (w == nullptr) return;
    kernel_.unwatch(t.fd);
    watches_.erase(w);
  }

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

  sim_kernel& kernel_;
  detail::sim_watches watches_;
  detail::sim_reports reports_;
};

static_assert(poller<sim_poll_poller>);

}  // namespace asyncore

#endif

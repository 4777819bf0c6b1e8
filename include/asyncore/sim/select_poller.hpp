// SPDX-License-Identifier: BSL-1.0
/// select(2) of a simulated kernel.
#ifndef ASYNCORE_SIM_SELECT_POLLER_HPP
#define ASYNCORE_SIM_SELECT_POLLER_HPP

#include <asyncore/concept/poller.hpp>
#include <asyncore/sim/reports.hpp>

#include <sys/select.h>

#include <chrono>

namespace asyncore {

/// As `select_poller`: microseconds; descriptors from FD_SETSIZE on are refused; a hangup looks
/// like something to read, an error like something to read and room to write; nothing comes
/// unasked.
class sim_select_poller : public detail::sim_watching_poller {
 public:
  static constexpr std::string_view name = "sim_select";
  static constexpr int fd_limit = FD_SETSIZE;
  static constexpr bool hides_errors = true;
  using sim_watching_poller::sim_watching_poller;

  std::error_code add(token t, interest wanted) {
    if (t.fd < 0 || t.fd >= fd_limit) return std::make_error_code(std::errc::value_too_large);
    return sim_watching_poller::add(t, wanted);
  }

  template <class Sink>
  int wait(timeout_type timeout, Sink sink) {
    for (const detail::sim_watch& w : watches_.all())
      if (w.wanted != interest::none && kernel_.at(w.id.fd) == nullptr) return -EBADF;
    if (timeout) timeout = rounded(*timeout);
    return reports_.wait(kernel_, timeout, watches_.all(),
                         [&](const detail::sim_watch& w) { return found(w); }, sink);
  }

 private:
  static std::chrono::nanoseconds rounded(std::chrono::nanoseconds time) noexcept {
    if (time.count() <= 0) return time.zero();
    constexpr std::int64_t longest = 100'000'000'000'000;  // microseconds, as in select_poller
    const std::int64_t count = (time.count() - 1) / 1000 + 1;
    return std::chrono::nanoseconds((count < longest ? count : longest) * 1000);
  }

  readiness found(const detail::sim_watch& w) noexcept {
    if (w.wanted == interest::none) return readiness::none;
    const sim_node* const n = kernel_.at(w.id.fd);
    const readiness is = n != nullptr ? kernel_.ready(*n) : readiness::none;
    readiness ready = is & readiness::expt;
    if (any(is, readiness::read | readiness::hangup | readiness::error)) ready |= readiness::read;
    if (any(is, readiness::write | readiness::error)) ready |= readiness::write;
    return ready & static_cast<readiness>(w.wanted);
  }
};

static_assert(poller<sim_select_poller>);

}  // namespace asyncore

#endif

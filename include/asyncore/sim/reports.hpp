// SPDX-License-Identifier: BSL-1.0
/// What the simulated pollers share: waiting, and the faults of what is reported.
#ifndef ASYNCORE_SIM_REPORTS_HPP
#define ASYNCORE_SIM_REPORTS_HPP

#include <asyncore/sim/kernel.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/interest.hpp>
#include <asyncore/word/timeout.hpp>
#include <asyncore/word/token.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace asyncore::detail {

/// A descriptor that a simulated poller watches.
struct sim_watch {
  token id;
  interest wanted = interest::none;
  sim_ref node;
};

class sim_reports {
 public:
  /// Waits until `found(watch)` is something for one of `watches`, then reports to the sink.
  template <class Found, class Sink>
  int wait(sim_kernel& kernel, std::optional<std::chrono::nanoseconds> timeout,
           const std::vector<sim_watch>& watches, Found found, Sink sink) {
    if (const int failed = kernel.begin_wait(); failed != 0) return failed;
    reports_.clear();
    if (kernel.fires(fault::spurious_readiness)) invent(kernel, watches);
    if (const int failed = collect(kernel, timeout, watches, found); failed != 0) return failed;
    disturb(kernel);
    const int count = kernel.end_wait(static_cast<int>(reports_.size()));
    // By value: what the sink throws, or a loop within it, leaves the rest as it is.
    for (std::size_t i = 0; i < reports_.size(); ++i) {
      const report r = reports_[i];
      kernel.begin_report(r.id.fd, r.node);
      sink(r.id, r.ready);
      kernel.end_report();
    }
    return count;
  }

 private:
  struct report {
    token id;
    readiness ready;
    sim_ref node;
  };

  template <class Found>
  int collect(sim_kernel& kernel, std::optional<std::chrono::nanoseconds> timeout,
              const std::vector<sim_watch>& watches, Found& found) {
    std::optional<std::chrono::nanoseconds> deadline;
    if (timeout)
      deadline = deadline_after(kernel.now(), timeout->count() > 0 ? *timeout : timeout->zero());
    for (;;) {
      const std::size_t invented = reports_.size();
      for (const sim_watch& w : watches)
        if (const readiness ready = found(w); ready != readiness::none)
          add({w.id, ready, node_of(kernel, w)}, invented);
      if (!reports_.empty() || (deadline && *deadline <= kernel.now())) return 0;
      if (kernel.advance(deadline) == sim_network::step::nothing) return kernel.deadlock();
    }
  }

  static sim_ref node_of(sim_kernel& kernel, const sim_watch& w) noexcept {
    if (w.node) return w.node;
    const sim_node* const n = kernel.at(w.id.fd);
    return n != nullptr ? n->self : sim_ref{};
  }

  void add(const report& r, std::size_t invented) {
    for (std::size_t i = 0; i < invented; ++i)
      if (reports_[i].id == r.id) {
        reports_[i].ready |= r.ready;
        return;
      }
    reports_.push_back(r);
  }

  void invent(sim_kernel& kernel, const std::vector<sim_watch>& watches) {
    if (watches.empty()) return;
    const sim_watch& w = watches[kernel.random().below(watches.size())];
    const interest bits = w.wanted & (interest::read | interest::write);
    if (bits != interest::none)
      reports_.push_back({w.id, static_cast<readiness>(bits), node_of(kernel, w)});
  }

  /// All that is held back here comes again, since it is still so.
  void disturb(sim_kernel& kernel) {
    for (std::size_t i = 0; i < reports_.size() && kernel.faults().rate(fault::split) != 0;) {
      if (reports_.size() > 1 && kernel.fires(fault::split)) {
        reports_[i] = reports_.back();
        reports_.pop_back();
        continue;
      }
      readiness& ready = reports_[i++].ready;
      if (any(ready, readiness::read) && ready != readiness::read && kernel.fires(fault::split))
        ready = readiness::read;  // never a hangup without the bytes before it
    }
    for (std::size_t i = reports_.size(); i > 1; --i)
      if (kernel.fires(fault::reordered))
        std::swap(reports_[i - 1], reports_[kernel.random().below(i)]);
  }

  std::vector<report> reports_;
};

/// A table of watches by descriptor.
class sim_watches {
 public:
  const std::vector<sim_watch>& all() const noexcept { return watches_; }
  sim_watch* find(int fd) noexcept {
    for (sim_watch& w : watches_)
      if (w.id.fd == fd) return &w;
    return nullptr;
  }
  /// Has the next `add` not throw.
  void make_room() {
    if (watches_.size() == watches_.capacity()) watches_.reserve(2 * watches_.size() + 8);
  }
  void add(const sim_watch& watch) { watches_.push_back(watch); }
  void erase(sim_watch* watch) noexcept {
    *watch = watches_.back();
    watches_.pop_back();
  }

 private:
  std::vector<sim_watch> watches_;
};

/// The part of select and poll that is the same: no descriptor of its own, no memory in the kernel.
class sim_watching_poller {
 public:
  using system = sim_system;

  explicit sim_watching_poller(sim_kernel& kernel) noexcept : kernel_(kernel) {}
  sim_watching_poller(const sim_watching_poller&) = delete;
  sim_watching_poller& operator=(const sim_watching_poller&) = delete;

  system& get_system() noexcept { return kernel_.system(); }

  std::error_code add(token t, interest wanted) {
    watches_.make_room();
    if (const int failed = kernel_.watch(t.fd, true); failed != 0) return errno_code(failed);
    watches_.add({t, wanted, {}});
    return {};
  }
  std::error_code modify(token t, interest wanted) {
    sim_watch* const w = watches_.find(t.fd);
    if (w == nullptr) return errno_code(ENOENT);
    *w = {t, wanted, {}};
    return {};
  }
  void remove(token t) noexcept {
    sim_watch* const w = watches_.find(t.fd);
    if (w == nullptr) return;
    kernel_.unwatch(t.fd);
    watches_.erase(w);
  }

 protected:
  sim_kernel& kernel_;
  sim_watches watches_;
  sim_reports reports_;
};

}  // namespace asyncore::detail

#endif

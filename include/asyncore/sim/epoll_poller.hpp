// SPDX-License-Identifier: BSL-1.0
/// epoll(7) of a simulated kernel.
#ifndef ASYNCORE_SIM_EPOLL_POLLER_HPP
#define ASYNCORE_SIM_EPOLL_POLLER_HPP

#include <asyncore/concept/poller.hpp>
#include <asyncore/sim/reports.hpp>
#include <asyncore/word/error.hpp>

#include <chrono>
#include <vector>

namespace asyncore {

/// As `epoll_poller`: milliseconds; hangups and errors come unasked; regular files are refused by
/// the kernel (EPERM) and count as always ready; what is watched is the open file description, so
/// that a closed descriptor of which there is a duplicate is reported on.
class sim_epoll_poller {
 public:
  static constexpr std::string_view name = "sim_epoll";
  using system = sim_system;

  /// Throws `std::system_error` when the kernel gives no epoll descriptor.
  explicit sim_epoll_poller(sim_kernel& kernel) : kernel_(kernel), epoll_(kernel.epoll_create()) {
    if (epoll_ < 0) detail::throw_error(errno_code(-epoll_), "epoll_create1");
  }
  sim_epoll_poller(const sim_epoll_poller&) = delete;
  sim_epoll_poller& operator=(const sim_epoll_poller&) = delete;
  ~sim_epoll_poller() { kernel_.close(epoll_); }

  system& get_system() noexcept { return kernel_.system(); }

  std::error_code add(token t, interest wanted) {
    const sim_node* const n = kernel_.at(t.fd);
    if (n == nullptr) return errno_code(EBADF);
    const bool file = n->kind == node_kind::file;
    if (watched(t.fd, n->self) != nullptr) return errno_code(EEXIST);
    detail::sim_watches& list = file ? files_ : watches_;
    list.make_room();
    if (const int failed = kernel_.watch(t.fd, true); failed != 0) return errno_code(failed);
    list.add({t, wanted, n->self});
    return {};
  }
  std::error_code modify(token t, interest wanted) {
    if (const int failed = kernel_.watch(t.fd, false); failed != 0) return errno_code(failed);
    sim_ref node;
    if (const sim_node* const n = kernel_.at(t.fd)) node = n->self;
    detail::sim_watch* const w = watched(t.fd, node);
    if (w == nullptr) return errno_code(ENOENT);
    *w = {t, wanted, node};
    return {};
  }
  void remove(token t) noexcept {
    const sim_node* const n = kernel_.at(t.fd);
    if (n == nullptr) return;  // EBADF: what a duplicate keeps alive cannot be removed any more
    detail::sim_watches& list = n->kind == node_kind::file ? files_ : watches_;
    detail::sim_watch* const w = watched(t.fd, n->self);
    if (w == nullptr) return;
    kernel_.unwatch(t.fd);
    list.erase(w);
  }

  template <class Sink>
  int wait(timeout_type timeout, Sink sink) {
    if (timeout) timeout = std::chrono::milliseconds(to_milliseconds(timeout));
    forget_closed();
    bool files = false;
    for (const detail::sim_watch& w : files_.all()) files |= w.wanted != interest::none;
    if (files) timeout = std::chrono::nanoseconds(0);
    int n = reports_.wait(kernel_, timeout, watches_.all(),
                          [&](const detail::sim_watch& w) { return found(w); }, sink);
    if (n < 0 || !files) return n;
    const std::vector<detail::sim_watch> ready = files_.all();  // the sink may change it
    for (const detail::sim_watch& w : ready) {
      const interest bits = w.wanted & (interest::read | interest::write);
      if (bits == interest::none) continue;
      ++n;
      kernel_.count_report();
      sink(w.id, static_cast<readiness>(bits));
    }
    return n;
  }

 private:
  detail::sim_watch* watched(int fd, sim_ref node) noexcept {
    for (detail::sim_watches* const list : {&watches_, &files_})
      for (const detail::sim_watch& w : list->all())
        if (w.id.fd == fd && w.node == node) return const_cast<detail::sim_watch*>(&w);
    return nullptr;
  }

  readiness found(const detail::sim_watch& w) noexcept {
    const sim_node* const n = kernel_.find_open(w.node);
    if (n == nullptr) return readiness::none;
    return kernel_.ready(*n) &
           (static_cast<readiness>(w.wanted) | readiness::error | readiness::hangup);
  }

  /// The kernel drops what has no open descriptor left.
  void forget_closed() noexcept {
    for (std::size_t i = watches_.all().size(); i-- > 0;)
      if (kernel_.find_open(watches_.all()[i].node) == nullptr)
        watches_.erase(const_cast<detail::sim_watch*>(&watches_.all()[i]));
  }

  sim_kernel& kernel_;
  int epoll_;
  detail::sim_watches watches_;
  detail::sim_watches files_;
  detail::sim_reports reports_;
};

static_assert(poller<sim_epoll_poller>);

}  // namespace asyncore

#endif

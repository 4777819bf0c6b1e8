// SPDX-License-Identifier: BSL-1.0
/// Readiness by epoll(7), level-triggered.
#ifndef ASYNCORE_POLLER_EPOLL_HPP
#define ASYNCORE_POLLER_EPOLL_HPP

#include <asyncore/word/config.hpp>

#if ASYNCORE_HAS_EPOLL

#include <asyncore/concept/poller.hpp>
#include <asyncore/sys/posix_system.hpp>
#include <asyncore/sys/unique_fd.hpp>
#include <asyncore/word/error.hpp>

#include <sys/epoll.h>

#include <cerrno>
#include <limits>
#include <vector>

namespace asyncore {

/// A turn costs O(ready channels). Regular files, which epoll refuses, count as always ready.
class epoll_poller {
 public:
  static constexpr std::string_view name = "epoll";
  static constexpr bool changes_cost = true;  // a system call each
  using system = posix_system;

  /// Throws `std::system_error` when the kernel gives no epoll descriptor.
  epoll_poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), events_(first_batch) {
    if (!epoll_) detail::throw_error(errno_code(errno), "epoll_create1");
  }
  epoll_poller(const epoll_poller&) = delete;
  epoll_poller& operator=(const epoll_poller&) = delete;

  std::error_code add(token t, interest wanted) {
    if (control(EPOLL_CTL_ADD, t, wanted) == 0) return {};
    // EPERM: "The target file fd does not support epoll" (epoll_ctl(2)): a regular file.
    if (errno != EPERM) return errno_code(errno);
    always_ready_.push_back({t, wanted});
    return {};
  }

  /// `add` of a descriptor that other pollers watch, too: of those that are added so, the kernel
  /// wakes at least one, and not all (epoll_ctl(2), EPOLLEXCLUSIVE). Not for urgent data.
  std::error_code add_exclusive(token t, interest wanted) {
    return control(EPOLL_CTL_ADD, t, wanted, EPOLLEXCLUSIVE) == 0 ? std::error_code()
                                                                  : errno_code(errno);
  }

  std::error_code modify(token t, interest wanted) {
    if (control(EPOLL_CTL_MOD, t, wanted) == 0) return {};
    if (errno == EINVAL) {  // what was added by `add_exclusive` cannot be modified
      remove(t);
      return add_exclusive(t, wanted);
    }
    for (always_ready& file : always_ready_) {
      if (file.id.fd == t.fd) {
        file = {t, wanted};
        return {};
      }
    }
    return errno_code(errno);
  }

  void remove(token t) noexcept {
    if (control(EPOLL_CTL_DEL, t, interest::none) == 0) return;
    for (always_ready& file : always_ready_) {
      if (file.id.fd == t.fd) {
        file = always_ready_.back();
        always_ready_.pop_back();
        return;
      }
    }
  }

  template <class Sink>
  int wait(timeout_type timeout, Sink sink) {
    const bool files = wants_files();
    int n = ::epoll_wait(epoll_.get(), events_.data(), batch_,
                         files ? 0 : to_milliseconds(timeout));
    if (n < 0) [[unlikely]]
      return -errno;
    if (files) [[unlikely]]
      n = append_files(n);
    const epoll_event* event = events_.data();
    const epoll_event* const last = event + n;
    do {
      const epoll_event* const end = announce(event, last, sink);
      for (; event != end; ++event)
        sink(unpack(event->data.u64), static_cast<readiness>(event->events));
    } while (event != last);
    if (n >= full_) [[unlikely]]
      grow();
    return n;
  }

  /// The epoll descriptor: readable when a channel is ready, so that a loop can sit in another.
  int native_handle() const noexcept { return epoll_.get(); }

 private:
  struct always_ready {
    token id;
    interest wanted;
  };
  static constexpr int first_batch = 128;
  static constexpr int largest_batch = 4096;
  static constexpr std::ptrdiff_t announced = 16;  // at a time; they all fit in the first cache

  static_assert(static_cast<int>(interest::read) == EPOLLIN &&
                static_cast<int>(interest::expt) == EPOLLPRI &&
                static_cast<int>(interest::write) == EPOLLOUT &&
                static_cast<int>(readiness::error) == EPOLLERR &&
                static_cast<int>(readiness::hangup) == EPOLLHUP);

  int control(int operation, token t, interest wanted, std::uint32_t flags = 0) noexcept {
    epoll_event event = pack(t, wanted);
    event.events |= flags;
    return ::epoll_ctl(epoll_.get(), operation, t.fd, &event);
  }

  static epoll_event pack(token t, interest bits) noexcept {
    epoll_event event{};
    event.events = static_cast<std::uint32_t>(bits);
    event.data.u64 = static_cast<std::uint64_t>(t.generation) << 32 |
                     static_cast<std::uint32_t>(t.fd);
    return event;
  }
  static token unpack(std::uint64_t data) noexcept {
    return {static_cast<int>(static_cast<std::uint32_t>(data)),
            static_cast<std::uint32_t>(data >> 32)};
  }

  /// Tells a sink that looks ahead of some of what comes next; returns the end of what to report
  /// before it is told of more.
  template <class Sink>
  static const epoll_event* announce([[maybe_unused]] const epoll_event* next,
                                     const epoll_event* last, [[maybe_unused]] Sink& sink) {
    if constexpr (requires { sink.looks_ahead(); }) {
      if (!sink.looks_ahead()) return last;
      const epoll_event* const end = last - next > announced ? next + announced : last;
      for (; next != end; ++next) sink.expect(unpack(next->data.u64));
      return end;
    } else {
      return last;
    }
  }

  bool wants_files() const noexcept {
    for (const always_ready& file : always_ready_)
      if (file.wanted != interest::none) return true;
    return false;
  }

  /// Throws bad_alloc, and then the next wait asks for no more than there is room for.
  void grow() {
    events_.resize(2 * static_cast<std::size_t>(batch_));
    batch_ *= 2;
    full_ = batch_ < largest_batch ? batch_ : std::numeric_limits<int>::max();
  }

  /// Puts the files behind the `n` events that the kernel reported; returns how many there are.
  int append_files(int n) {
    auto at = static_cast<std::size_t>(n);
    events_.resize(static_cast<std::size_t>(batch_) + always_ready_.size());
    for (const always_ready& file : always_ready_) {
      const interest ready = file.wanted & (interest::read | interest::write);
      if (ready != interest::none) events_[at++] = pack(file.id, ready);
    }
    return static_cast<int>(at);
  }

  unique_fd epoll_;
  int batch_ = first_batch;           // events that one wait asks for
  int full_ = first_batch;            // as many bring a larger batch; none at the largest
  std::vector<epoll_event> events_;   // room for them, and for the files
  std::vector<always_ready> always_ready_;
};

static_assert(poller<epoll_poller>);

}  // namespace asyncore

#endif
#endif

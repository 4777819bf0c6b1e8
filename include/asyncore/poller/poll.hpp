// SPDX-License-Identifier: BSL-1.0
/// Readiness by poll(2).
#ifndef ASYNCORE_POLLER_POLL_HPP
#define ASYNCORE_POLLER_POLL_HPP

#include <asyncore/concept/poller.hpp>
#include <asyncore/sys/posix_system.hpp>
#include <asyncore/word/config.hpp>
#include <asyncore/word/error.hpp>

#include <poll.h>
#include <sys/resource.h>

#include <cerrno>
#include <vector>

namespace asyncore {

/// A turn costs O(watched descriptors). The array that poll(2) takes is kept dense between turns.
class poll_poller {
 public:
  static constexpr std::string_view name = "poll";
  using system = posix_system;

  std::error_code add(token t, interest wanted) {
    const auto fd = static_cast<std::size_t>(t.fd);
    if (fd >= position_.size()) position_.resize(fd + fd / 2 + 8, absent);
    if (generations_.size() == generations_.capacity())
      generations_.reserve(2 * generations_.size() + 8);
    polled_.push_back({t.fd, static_cast<short>(wanted), 0});
    generations_.push_back(t.generation);
    position_[fd] = static_cast<std::uint32_t>(polled_.size() - 1);
    return {};
  }

  std::error_code modify(token t, interest wanted) noexcept {
    const std::size_t at = find(t.fd);
    if (at == absent) return errno_code(ENOENT);
    polled_[at].events = static_cast<short>(wanted);
    generations_[at] = t.generation;
    return {};
  }

  void remove(token t) noexcept {
    std::size_t at = find(t.fd);
    if (at == absent) return;
    if (at < seen_) {
      move(--seen_, at);
      at = seen_;
    }
    if (at + 1 != polled_.size()) move(polled_.size() - 1, at);
    polled_.pop_back();
    generations_.pop_back();
    position_[static_cast<std::size_t>(t.fd)] = absent;
  }

  template <class Sink>
  int wait(timeout_type timeout, Sink sink) {
    int n = ::poll(polled_.data(), static_cast<nfds_t>(polled_.size()), to_milliseconds(timeout));
    if (n < 0) [[unlikely]] {
      n = errno == EINVAL ? poll_in_parts(timeout) : -errno;
      if (n < 0) return n;
    }
    // The sink may add, which appends, and remove, which keeps the seen ones apart from the others.
    int left = n;
    for (std::size_t at = 0; left > 0 && at < polled_.size();) {
      const pollfd& found = polled_[at];
      if (found.revents == 0) {
        ++at;
        continue;
      }
      --left;
      seen_ = at + 1;
      sink(token{found.fd, generations_[at]}, translate(found.revents));
      at = seen_;
    }
    seen_ = 0;
    return n;
  }

 private:
  static constexpr std::uint32_t absent = static_cast<std::uint32_t>(-1);

  static_assert(static_cast<int>(interest::read) == POLLIN &&
                static_cast<int>(interest::expt) == POLLPRI &&
                static_cast<int>(interest::write) == POLLOUT &&
                static_cast<int>(readiness::error) == POLLERR &&
                static_cast<int>(readiness::hangup) == POLLHUP);

  /// A descriptor that is not open (POLLNVAL) is hung up.
  static readiness translate(short revents) noexcept {
    const auto bits = static_cast<readiness>(revents & 0x1f);
    return (revents & POLLNVAL) != 0 ? bits | readiness::hangup : bits;
  }

  /// poll(2) takes no more descriptors than RLIMIT_NOFILE allows (EINVAL), which the process may
  /// have lowered since it opened them. Asks for a part at a time then, and again after a short
  /// wait for the first part.
  ASYNCORE_COLD int poll_in_parts(timeout_type timeout) noexcept {
    constexpr std::chrono::nanoseconds longest = std::chrono::milliseconds(5);
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    const std::size_t count = polled_.size();
    const auto most = static_cast<std::size_t>(limit.rlim_cur);
    if (most == 0 || most >= count) return -EINVAL;
    const std::chrono::nanoseconds begin = system::now();
    for (int n = 0;;) {
      for (std::size_t at = 0; at < count; at += most) {
        const std::size_t part = count - at < most ? count - at : most;
        const int found = ::poll(&polled_[at], static_cast<nfds_t>(part), 0);
        if (found < 0) return -errno;
        n += found;
      }
      const std::chrono::nanoseconds left =
          timeout ? *timeout - (system::now() - begin) : longest;
      if (n > 0 || left.count() <= 0) return n;
      if (::poll(polled_.data(), static_cast<nfds_t>(most),
                 to_milliseconds(left < longest ? left : longest)) < 0)
        return -errno;
    }
  }

  void move(std::size_t from, std::size_t to) noexcept {
    polled_[to] = polled_[from];
    generations_[to] = generations_[from];
    position_[static_cast<std::size_t>(polled_[to].fd)] = static_cast<std::uint32_t>(to);
  }

  std::size_t find(int fd) const noexcept {
    const auto index = static_cast<std::size_t>(fd);
    return index < position_.size() ? position_[index] : absent;
  }

  std::size_t seen_ = 0;  // in a wait, how many elements of polled_ have been reported or skipped
  std::vector<pollfd> polled_;
  std::vector<std::uint32_t> generations_;  // beside polled_, element by element
  std::vector<std::uint32_t> position_;     // in polled_, by descriptor
};

static_assert(poller<poll_poller>);

}  // namespace asyncore

#endif

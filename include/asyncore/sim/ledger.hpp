// SPDX-License-Identifier: BSL-1.0
/// The descriptors of a simulated process, and what a simulation objects to.
#ifndef ASYNCORE_SIM_LEDGER_HPP
#define ASYNCORE_SIM_LEDGER_HPP

#include <asyncore/sim/node.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/log.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace asyncore {

/// Collects what must not happen: the first few texts, and the number of all.
class sim_violations {
 public:
  void add(std::string text) {
    if (texts_.size() < kept) texts_.push_back(std::move(text));
    ++count_;
  }
  std::size_t count() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  const std::vector<std::string>& texts() const noexcept { return texts_; }

 private:
  static constexpr std::size_t kept = 20;
  std::vector<std::string> texts_;
  std::size_t count_ = 0;
};

namespace detail {

/// Descriptors, the lowest free one first as POSIX has it.
class descriptor_ledger {
 public:
  static constexpr int first = 3;

  void set_limit(int limit) noexcept { limit_ = limit; }

  /// The lowest free descriptor from `lowest` on, or a negative errno.
  int open(sim_ref node, int lowest = 0) {
    auto fd = static_cast<std::size_t>(lowest > lowest_ ? lowest : lowest_);
    while (fd < entries_.size() && entries_[fd].node) ++fd;
    if (static_cast<int>(fd) >= limit_) return -EMFILE;
    if (fd >= entries_.size()) entries_.resize(fd + 1);
    entries_[fd].node = node;
    if (lowest <= lowest_) lowest_ = static_cast<int>(fd) + 1;
    ++open_;
    return static_cast<int>(fd);
  }

  /// What `fd` refers to; nothing when it is not open.
  sim_ref find(int fd) const noexcept {
    const auto at = static_cast<std::size_t>(fd);
    return fd >= 0 && at < entries_.size() ? entries_[at].node : sim_ref{};
  }

  /// Takes an open descriptor back.
  void close(int fd) noexcept {
    entries_[static_cast<std::size_t>(fd)].node = {};
    if (fd < lowest_) lowest_ = fd;
    --open_;
  }

  /// The number of pollers that watch `fd` changes by `by`; returns it.
  int watch(int fd, int by) noexcept {
    const auto at = static_cast<std::size_t>(fd);
    return fd >= 0 && at < entries_.size() ? entries_[at].watchers += by : 0;
  }

  std::size_t open_count() const noexcept { return open_; }

  template <class F>
  void for_each(F&& f) const {
    for (std::size_t fd = 0; fd < entries_.size(); ++fd)
      if (entries_[fd].node) f(static_cast<int>(fd), entries_[fd].node);
  }

 private:
  struct entry {
    sim_ref node;
    int watchers = 0;
  };
  std::vector<entry> entries_;
  int lowest_ = first;
  int limit_ = 1024;
  std::size_t open_ = 0;
};

}  // namespace detail
}  // namespace asyncore

#endif

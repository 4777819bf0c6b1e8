// SPDX-License-Identifier: BSL-1.0
/// The hash table below `hash_map` and `fixed_fd_table`.
#ifndef ASYNCORE_MAP_PROBING_TABLE_HPP
#define ASYNCORE_MAP_PROBING_TABLE_HPP

#include <asyncore/word/token.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace asyncore::detail {

/// Records by descriptor: open addressing with linear probing, in a power of two of slots, at most
/// half of which are used. Erasing closes the gap, so there are no tombstones and lookups do not
/// slow down with churn.
template <class Record>
class probing_table {
 public:
  /// Room for `capacity` records; throws bad_alloc.
  explicit probing_table(std::size_t capacity)
      : slots_(std::bit_ceil(2 * capacity + 2)),
        shift_(64 - std::countr_zero(slots_.size())) {}

  std::size_t size() const noexcept { return size_; }

  /// How many records fit before `grow` is due.
  std::size_t capacity() const noexcept { return slots_.size() / 2; }

  /// The record of this token, else null.
  Record* find(token t) const noexcept {
    for (std::size_t at = home(t.fd);; at = next(at)) {
      const slot& s = slots_.data()[at];
      if (s.channel == nullptr) return nullptr;
      if (s.id.fd == t.fd) return s.id.generation == t.generation ? s.channel : nullptr;
    }
  }

  /// True when some record has this descriptor.
  bool holds(int fd) const noexcept {
    for (std::size_t at = home(fd); slots_[at].channel != nullptr; at = next(at))
      if (slots_[at].id.fd == fd) return true;
    return false;
  }

  /// `size()` is below `capacity()`, and no record has this descriptor.
  void insert(token t, Record& r) noexcept {
    std::size_t at = home(t.fd);
    while (slots_[at].channel != nullptr) at = next(at);
    slots_[at] = {&r, t};
    ++size_;
  }

  /// The token is in the table.
  void erase(token t) noexcept {
    std::size_t gap = home(t.fd);
    while (slots_[gap].id != t) gap = next(gap);
    // Moves back each later record of the run whose home is not behind the gap.
    for (std::size_t at = next(gap); slots_[at].channel != nullptr; at = next(at)) {
      const std::size_t wanted = home(slots_[at].id.fd);
      if (distance(wanted, at) >= distance(gap, at)) {
        slots_[gap] = slots_[at];
        gap = at;
      }
    }
    slots_[gap] = {};
    --size_;
  }

  /// Doubles the room; throws bad_alloc, and then nothing has changed.
  void grow() {
    probing_table larger(2 * capacity());
    for_each([&](Record& r, token t) { larger.insert(t, r); });
    *this = std::move(larger);
  }

  /// Calls `f(record, token)` for each.
  template <class F>
  void for_each(F&& f) {
    for (const slot& s : slots_)
      if (s.channel != nullptr) f(*s.channel, s.id);
  }

 private:
  struct slot {
    Record* channel = nullptr;
    token id;
  };

  // Multiplication by 2^64 divided by the golden ratio spreads descriptors that are a stride apart.
  std::size_t home(int fd) const noexcept {
    return static_cast<std::size_t>(
        (static_cast<std::uint64_t>(static_cast<std::uint32_t>(fd)) * 0x9e3779b97f4a7c15u) >>
        shift_);
  }
  std::size_t next(std::size_t at) const noexcept { return (at + 1) & (slots_.size() - 1); }
  std::size_t distance(std::size_t from, std::size_t to) const noexcept {
    return (to - from) & (slots_.size() - 1);
  }

  std::vector<slot> slots_;
  int shift_;
  std::size_t size_ = 0;
};

}  // namespace asyncore::detail

#endif

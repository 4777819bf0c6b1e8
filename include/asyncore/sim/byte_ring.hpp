// SPDX-License-Identifier: BSL-1.0
/// A bounded buffer of a simulated kernel.
#ifndef ASYNCORE_SIM_BYTE_RING_HPP
#define ASYNCORE_SIM_BYTE_RING_HPP

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace asyncore::detail {

/// First in, first out; never more than its capacity. Its memory is made at the first use.
class byte_ring {
 public:
  /// Drops what is there; `capacity` is at least 1.
  void reset(std::size_t capacity) noexcept {
    capacity_ = capacity;
    first_ = size_ = 0;
  }
  std::size_t size() const noexcept { return size_; }
  std::size_t room() const noexcept { return capacity_ - size_; }
  std::size_t capacity() const noexcept { return capacity_; }

  /// Takes what there is room for; returns how much.
  std::size_t push(std::span<const std::byte> bytes) {
    if (memory_.size() < capacity_) memory_.resize(capacity_);
    const std::size_t count = bytes.size() < room() ? bytes.size() : room();
    if (count == 0) return 0;
    const std::size_t at = wrapped(first_ + size_);
    const std::size_t before_end = count < capacity_ - at ? count : capacity_ - at;
    std::memcpy(memory_.data() + at, bytes.data(), before_end);
    if (count > before_end)
      std::memcpy(memory_.data(), bytes.data() + before_end, count - before_end);
    size_ += count;
    return count;
  }

  /// Moves `into.size()` bytes out, at least one; there are so many.
  void pop(std::span<std::byte> into) noexcept {
    const std::size_t count = into.size();
    const std::size_t before_end = count < capacity_ - first_ ? count : capacity_ - first_;
    std::memcpy(into.data(), memory_.data() + first_, before_end);
    if (count > before_end)
      std::memcpy(into.data() + before_end, memory_.data(), count - before_end);
    first_ = wrapped(first_ + count);
    size_ -= count;
  }

 private:
  std::size_t wrapped(std::size_t at) const noexcept {
    return at < capacity_ ? at : at - capacity_;
  }

  std::vector<std::byte> memory_;
  std::size_t capacity_ = 1;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace asyncore::detail

#endif

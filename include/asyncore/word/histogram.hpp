// SPDX-License-Identifier: BSL-1.0
/// How often durations of which length have come.
#ifndef ASYNCORE_WORD_HISTOGRAM_HPP
#define ASYNCORE_WORD_HISTOGRAM_HPP

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace asyncore {

/// A number that one thread changes and any thread reads. Costs what a plain one costs.
class counter {
 public:
  void add(std::uint64_t n) noexcept { set(get() + n); }
  void set(std::uint64_t n) noexcept { __atomic_store_n(&value_, n, __ATOMIC_RELAXED); }
  std::uint64_t get() const noexcept { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }

 private:
  std::uint64_t value_ = 0;
};

namespace detail {

inline constexpr std::uint64_t longest_measured = (std::uint64_t{1} << 40) - 1;

/// Below 16 each number has its bucket; above, each eighth of a power of two.
constexpr std::size_t bucket_of(std::uint64_t n) noexcept {
  if (n < 16) return static_cast<std::size_t>(n);
  const auto shift = static_cast<unsigned>(std::bit_width(n)) - 4;
  return (std::size_t{shift} << 3) + static_cast<std::size_t>(n >> shift);
}
/// The largest number of a bucket.
constexpr std::uint64_t last_of(std::size_t bucket) noexcept {
  if (bucket < 16) return bucket;
  const std::size_t shift = (bucket >> 3) - 1;
  return ((std::uint64_t{bucket & 7} + 9) << shift) - 1;
}
static_assert(last_of(bucket_of(longest_measured)) == longest_measured);

}  // namespace detail

/// Durations by eighths of powers of two: a quantile is at most an eighth above the true one. From
/// 0 (which negative ones count as) to 18 minutes (longer ones count as that). Recorded by one
/// thread, in constant time and without an allocation; read by any, who may see a part of the last
/// one.
class histogram {
 public:
  void record(std::chrono::nanoseconds took) noexcept {
    const std::uint64_t n = took.count() < 0 ? 0 : static_cast<std::uint64_t>(took.count());
    buckets_[detail::bucket_of(n < longest ? n : longest)].add(1);
    sum_.add(n);
    if (n > max_.get()) max_.set(n);
  }

  std::uint64_t count() const noexcept { return count_up_to(buckets - 1); }
  std::chrono::nanoseconds sum() const noexcept { return nanoseconds(sum_.get()); }
  std::chrono::nanoseconds max() const noexcept { return nanoseconds(max_.get()); }

  /// What the share `share` (0 to 1) of them does not exceed: the upper end of its bucket, at most
  /// `max()`; 0 when there are none.
  std::chrono::nanoseconds quantile(double share) const noexcept {
    const double wanted = share * static_cast<double>(count());
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
      seen += buckets_[i].get();
      if (seen == 0 || static_cast<double>(seen) < wanted) continue;
      const std::chrono::nanoseconds end = nanoseconds(detail::last_of(i));
      return end < max() ? end : max();
    }
    return max();
  }

  /// How many are shorter than 2 to the power of `exponent` nanoseconds; `exponent`: 3 to 40.
  std::uint64_t shorter_than_power(unsigned exponent) const noexcept {
    return count_up_to(detail::bucket_of((std::uint64_t{1} << exponent) - 1));
  }

 private:
  static constexpr std::uint64_t longest = detail::longest_measured;
  static constexpr std::size_t buckets = detail::bucket_of(longest) + 1;

  static std::chrono::nanoseconds nanoseconds(std::uint64_t n) noexcept {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(n));
  }
  std::uint64_t count_up_to(std::size_t last) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i <= last; ++i) sum += buckets_[i].get();
    return sum;
  }

  std::array<counter, buckets> buckets_;
  counter sum_;
  counter max_;
};

}  // namespace asyncore

#endif

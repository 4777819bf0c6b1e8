// SPDX-License-Identifier: BSL-1.0
/// The one source of chance in a simulation.
#ifndef ASYNCORE_SIM_RANDOM_HPP
#define ASYNCORE_SIM_RANDOM_HPP

#include <cstdint>
#include <span>

namespace asyncore {

/// Numbers that depend on the seed alone: the same with every compiler and standard library, whose
/// distributions differ. SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, 2014).
class sim_random {
 public:
  explicit constexpr sim_random(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    if (!script_.empty()) [[unlikely]] {
      const std::uint64_t byte = script_.front();
      script_ = script_.subspan(1);
      return byte * 0x0101010101010101u;
    }
    return mixed(state_ += 0x9e3779b97f4a7c15u);
  }

  /// Has the next numbers come of `bytes`, one each, and then of the seed again: for a fuzzer. The
  /// bytes outlive their use.
  constexpr void script(std::span<const std::uint8_t> bytes) noexcept { script_ = bytes; }

  /// From 0 to `n` - 1; `n` is from 1 to 2^32.
  constexpr std::uint64_t below(std::uint64_t n) noexcept { return ((next() >> 32) * n) >> 32; }

  /// From `low` to `high`, both included.
  constexpr std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept {
    return low + below(high - low + 1);
  }

  /// True `n` times in 65536.
  constexpr bool chance(std::uint32_t n) noexcept { return (next() >> 48) < n; }

  /// A number in which every bit of `value` has changed half of the bits.
  static constexpr std::uint64_t mixed(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
  }

 private:
  std::uint64_t state_;
  std::span<const std::uint8_t> script_;
};

}  // namespace asyncore

#endif

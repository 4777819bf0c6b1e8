// SPDX-License-Identifier: BSL-1.0
/// Streams whose bytes tell where they belong.
#ifndef ASYNCORE_SIM_KEYED_STREAM_HPP
#define ASYNCORE_SIM_KEYED_STREAM_HPP

#include <asyncore/sim/random.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace asyncore {

/// The byte at each position of a stream is a function of the stream's key and the position, so
/// that whoever receives it can tell what became of it.
class keyed_stream {
 public:
  explicit constexpr keyed_stream(std::uint64_t key) noexcept : key_(sim_random::mixed(key + 1)) {}

  constexpr std::byte at(std::uint64_t position) const noexcept {
    return static_cast<std::byte>(word(position));
  }

  /// The `count` bytes from `position` on.
  std::string bytes(std::uint64_t position, std::size_t count) const {
    std::string text(count, '\0');
    for_each(position, count, [&](std::size_t i, std::byte b) {
      text[i] = static_cast<char>(b);
      return true;
    });
    return text;
  }

  /// True when the bytes that `position` begins are `bytes`.
  constexpr bool matches(std::uint64_t position, std::span<const std::byte> bytes) const noexcept {
    return for_each(position, bytes.size(),
                    [&](std::size_t i, std::byte b) { return bytes[i] == b; });
  }

 private:
  /// The byte at `position` and, above it, those behind it, up to a multiple of eight.
  constexpr std::uint64_t word(std::uint64_t position) const noexcept {
    return sim_random::mixed(key_ + (position >> 3)) >> (8 * (position & 7));
  }

  /// Calls `f(i, byte)` for each of `count` bytes while it returns true; whether it always did.
  template <class F>
  constexpr bool for_each(std::uint64_t position, std::size_t count, F f) const noexcept {
    for (std::size_t i = 0; i < count;) {
      std::uint64_t bytes = word(position + i);
      const std::size_t here = 8 - static_cast<std::size_t>((position + i) & 7);
      for (const std::size_t end = i + here < count ? i + here : count; i < end; ++i, bytes >>= 8)
        if (!f(i, static_cast<std::byte>(bytes))) return false;
    }
    return true;
  }

  std::uint64_t key_;
};

/// Follows a keyed stream as it arrives.
class keyed_receiver {
 public:
  explicit constexpr keyed_receiver(std::uint64_t key) noexcept : stream_(key) {}

  /// How many bytes have arrived as they should.
  std::uint64_t position() const noexcept { return position_; }

  /// Takes the bytes that came next. Empty when they are right, else what is wrong with them:
  /// "loss", "duplication", "reordering" or "corruption", with where and how far.
  std::string take(std::span<const std::byte> bytes) {
    if (stream_.matches(position_, bytes)) {
      position_ += bytes.size();
      return {};
    }
    return what_is_wrong(bytes);
  }

 private:
  std::string what_is_wrong(std::span<const std::byte> bytes) const {
    std::size_t good = 0;
    while (stream_.at(position_ + good) == bytes[good]) ++good;
    const std::span<const std::byte> rest = bytes.subspan(good).first(
        bytes.size() - good < 16 ? bytes.size() - good : 16);
    const std::uint64_t from = position_ + good;
    const std::string where = " at " + std::to_string(from);
    constexpr std::uint64_t reach = 200000;
    for (std::uint64_t by = 1; by <= reach; ++by) {
      if (by <= from && stream_.matches(from - by, rest))
        return "duplication of " + std::to_string(by) + " bytes" + where;
      if (stream_.matches(from + by, rest)) {
        // What was left out may come behind: then it was not lost.
        const auto skipped = static_cast<std::size_t>(by);
        for (std::size_t i = rest.size(); good + i < bytes.size(); ++i)
          if (bytes.size() - good - i >= 4 &&
              stream_.matches(from, bytes.subspan(good + i).first(4)))
            return "reordering of " + std::to_string(skipped) + " bytes" + where;
        return "loss of " + std::to_string(skipped) + " bytes" + where;
      }
    }
    return "corruption" + where;
  }

  keyed_stream stream_;
  std::uint64_t position_ = 0;
};

}  // namespace asyncore

#endif

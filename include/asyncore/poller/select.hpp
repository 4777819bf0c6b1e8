// SPDX-License-Identifier: BSL-1.0
/// Readiness by select(2).
#ifndef ASYNCORE_POLLER_SELECT_HPP
#define ASYNCORE_POLLER_SELECT_HPP

#include <asyncore/concept/poller.hpp>
#include <asyncore/sys/posix_system.hpp>
#include <asyncore/word/error.hpp>

#include <sys/select.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

namespace asyncore {

/// A turn costs O(highest watched descriptor). Descriptors from FD_SETSIZE on are refused: an
/// fd_set has no room for them, and FD_SET would write behind it (select(2), "BUGS").
class select_poller {
 public:
  static constexpr std::string_view name = "select";
  static constexpr int fd_limit = FD_SETSIZE;
  static constexpr bool hides_errors = true;
  using system = posix_system;

  /// `std::errc::value_too_large` for an fd at or above FD_SETSIZE.
  std::error_code add(token t, interest wanted) noexcept { return modify(t, wanted); }

  std::error_code modify(token t, interest wanted) noexcept {
    if (t.fd < 0 || t.fd >= fd_limit)
      return std::make_error_code(std::errc::value_too_large);
    const auto [word, bit] = place(t.fd);
    assign(wanted_.read[word], bit, any(wanted, interest::read));
    assign(wanted_.write[word], bit, any(wanted, interest::write));
    assign(wanted_.expt[word], bit, any(wanted, interest::expt));
    generations_[static_cast<std::size_t>(t.fd)] = t.generation;
    if (wanted != interest::none) {
      if (t.fd > highest_) highest_ = t.fd;
    } else {
      lower_highest();
    }
    return {};
  }

  void remove(token t) noexcept {
    if (t.fd < 0 || t.fd >= fd_limit) return;
    modify(t, interest::none);
    // A descriptor reused in this turn must not inherit what is left of the answer.
    const auto [word, bit] = place(t.fd);
    ready_.read[word] &= ~bit;
    ready_.write[word] &= ~bit;
    ready_.expt[word] &= ~bit;
  }

  template <class Sink>
  int wait(timeout_type timeout, Sink sink) {
    const std::size_t words = static_cast<std::size_t>(highest_ + 1 + word_bits - 1) / word_bits;
    const std::size_t bytes = words * sizeof(word_type);
    std::memcpy(ready_.read, wanted_.read, bytes);
    std::memcpy(ready_.write, wanted_.write, bytes);
    std::memcpy(ready_.expt, wanted_.expt, bytes);

    timeval limit = to_timeval(timeout);
    const int n = ::select(highest_ + 1, as_fd_set(ready_.read), as_fd_set(ready_.write),
                           as_fd_set(ready_.expt), timeout ? &limit : nullptr);
    if (n < 0) return -errno;
    return n == 0 ? 0 : report(words, sink);
  }

 private:
  // An fd_set is an array of words, lowest descriptor in the lowest bit; `long` is the word on
  // every system that has <sys/select.h> in the POSIX form, which the assertions check.
  using word_type = unsigned long;
  static constexpr int word_bits = static_cast<int>(8 * sizeof(word_type));
  static constexpr std::size_t word_count = FD_SETSIZE / static_cast<std::size_t>(word_bits);
  static_assert(sizeof(fd_set) == word_count * sizeof(word_type));
  static_assert(alignof(fd_set) == alignof(word_type));

  struct sets {
    word_type read[word_count];
    word_type write[word_count];
    word_type expt[word_count];
  };

  struct position {
    std::size_t word;
    word_type bit;
  };
  static position place(int fd) noexcept {
    return {static_cast<std::size_t>(fd / word_bits), word_type{1} << (fd % word_bits)};
  }

  static fd_set* as_fd_set(word_type* words) noexcept { return reinterpret_cast<fd_set*>(words); }

  static void assign(word_type& word, word_type bit, bool on) noexcept {
    word = on ? word | bit : word & ~bit;
  }

  /// Microseconds, rounded up.
  static timeval to_timeval(timeout_type timeout) noexcept {
    timeval limit{};
    if (!timeout || timeout->count() <= 0) return limit;
    // The kernel refuses larger values of tv_sec on some systems (select(2), EINVAL).
    constexpr std::int64_t longest = 100'000'000;
    const std::int64_t microseconds = (timeout->count() - 1) / 1000 + 1;
    limit.tv_sec = static_cast<decltype(limit.tv_sec)>(microseconds / 1'000'000);
    if (limit.tv_sec > longest) limit.tv_sec = longest;
    limit.tv_usec = static_cast<decltype(limit.tv_usec)>(microseconds % 1'000'000);
    return limit;
  }

  void lower_highest() noexcept {
    std::size_t words = static_cast<std::size_t>(highest_ + word_bits) / word_bits;
    while (words > 0) {
      const std::size_t i = words - 1;
      const word_type used = wanted_.read[i] | wanted_.write[i] | wanted_.expt[i];
      if (used != 0) {
        highest_ = static_cast<int>(i) * word_bits + word_bits - 1 - std::countl_zero(used);
        return;
      }
      words = i;
    }
    highest_ = -1;
  }

  template <class Sink>
  int report(std::size_t words, Sink sink) {
    int reported = 0;
    for (std::size_t i = 0; i < words; ++i) {
      for (word_type left = ready_.read[i] | ready_.write[i] | ready_.expt[i]; left != 0;
           left &= left - 1) {
        const int at = std::countr_zero(left);
        const readiness found = found_at(i, word_type{1} << at);
        if (found == readiness::none) continue;
        const int fd = static_cast<int>(i) * word_bits + at;
        ++reported;
        sink(token{fd, generations_[static_cast<std::size_t>(fd)]}, found);
      }
    }
    return reported;
  }

  readiness found_at(std::size_t word, word_type bit) const noexcept {
    readiness found = readiness::none;
    if ((ready_.read[word] & bit) != 0) found |= readiness::read;
    if ((ready_.write[word] & bit) != 0) found |= readiness::write;
    if ((ready_.expt[word] & bit) != 0) found |= readiness::expt;
    return found;
  }

  sets wanted_{};
  sets ready_{};  // the kernel's last answer, less what was removed since
  std::array<std::uint32_t, FD_SETSIZE> generations_{};
  int highest_ = -1;
};

static_assert(poller<select_poller>);

}  // namespace asyncore

#endif

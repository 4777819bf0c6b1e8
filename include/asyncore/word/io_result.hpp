// SPDX-License-Identifier: BSL-1.0
/// What a read or a write did.
#ifndef ASYNCORE_WORD_IO_RESULT_HPP
#define ASYNCORE_WORD_IO_RESULT_HPP

#include <asyncore/word/error.hpp>

#include <cerrno>
#include <cstddef>
#include <limits>
#include <system_error>

namespace asyncore {

/// The outcome of `recv`, `send` and their like. Exactly one of these holds: bytes were moved
/// (`ok`), nothing could be moved now (`would_block`), the connection is over (`closed`;
/// `handle_close` has been called and the channel may be gone), or the call failed (`error`).
class io_result {
 public:
  /// `value`: a count of bytes, or a negative errno.
  constexpr explicit io_result(std::ptrdiff_t value) noexcept : value_(value) {}

  /// The connection is over.
  static constexpr io_result end() noexcept { return io_result(closed_value); }

  /// True when bytes were moved; for a datagram there may be none of them.
  constexpr bool ok() const noexcept { return value_ >= 0; }
  constexpr explicit operator bool() const noexcept { return ok(); }

  /// The number of bytes moved; 0 unless `ok()`.
  constexpr std::size_t bytes() const noexcept {
    return ok() ? static_cast<std::size_t>(value_) : 0;
  }

  /// True when the call would have had to wait.
  constexpr bool would_block() const noexcept {
#if EWOULDBLOCK != EAGAIN
    if (value_ == -EWOULDBLOCK) return true;
#endif
    return value_ == -EAGAIN;
  }

  /// True when the connection is over. `handle_close` has been called: `*this` of the channel
  /// may be gone.
  constexpr bool closed() const noexcept { return value_ == closed_value; }

  /// The error of a call that failed for another reason than the two above, else success.
  std::error_code error() const noexcept {
    return ok() || closed() || would_block() ? std::error_code()
                                             : errno_code(static_cast<int>(-value_));
  }

 private:
  static constexpr std::ptrdiff_t closed_value = std::numeric_limits<std::ptrdiff_t>::min();
  std::ptrdiff_t value_;
};

}  // namespace asyncore

#endif

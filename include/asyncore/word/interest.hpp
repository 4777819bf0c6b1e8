// SPDX-License-Identifier: BSL-1.0
/// What a channel asks for and what the kernel answers.
#ifndef ASYNCORE_WORD_INTEREST_HPP
#define ASYNCORE_WORD_INTEREST_HPP

#include <cstdint>

namespace asyncore {

/// What a channel asks the poller for; a set of bits. The values are those of POLLIN, POLLPRI and
/// POLLOUT on every system we know (poll(2)), so that pollers need not translate.
enum class interest : std::uint8_t { none = 0, read = 1, expt = 2, write = 4 };

/// What the kernel answered; a set of bits with the values of poll(2).
/// `error` and `hangup` cannot be masked: a poller may report them without being asked.
enum class readiness : std::uint8_t {
  none = 0,
  read = 1,
  expt = 2,
  write = 4,
  error = 8,
  hangup = 16
};

constexpr interest operator|(interest a, interest b) noexcept {
  return static_cast<interest>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr interest operator&(interest a, interest b) noexcept {
  return static_cast<interest>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
constexpr interest& operator|=(interest& a, interest b) noexcept { return a = a | b; }

constexpr readiness operator|(readiness a, readiness b) noexcept {
  return static_cast<readiness>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr readiness operator&(readiness a, readiness b) noexcept {
  return static_cast<readiness>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
constexpr readiness& operator|=(readiness& a, readiness b) noexcept { return a = a | b; }

/// True when `set` has any of `bits`.
constexpr bool any(interest set, interest bits) noexcept {
  return (set & bits) != interest::none;
}
/// True when `set` has any of `bits`.
constexpr bool any(readiness set, readiness bits) noexcept {
  return (set & bits) != readiness::none;
}

}  // namespace asyncore

#endif

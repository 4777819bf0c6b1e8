// SPDX-License-Identifier: BSL-1.0
/// The name under which a poller knows a channel.
#ifndef ASYNCORE_WORD_TOKEN_HPP
#define ASYNCORE_WORD_TOKEN_HPP

#include <cstdint>

namespace asyncore {

/// A descriptor and the generation of its registration. Two registrations of one fd never share a
/// generation, so a report for a descriptor that was closed and reused since is told apart.
/// Generation 0 names nothing.
struct token {
  int fd = -1;
  std::uint32_t generation = 0;

  friend constexpr bool operator==(token, token) noexcept = default;
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// The two system calls of an echo server without a library to make them, and what it keeps when
/// the peer does not read fast enough.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <string>

#include "options.hpp"

namespace bench {

/// One buffer serves all connections, because nothing stays in it.
inline char echo_buffer[64 * 1024];

enum class echo_outcome { all_sent, some_kept, closed };

/// Sends what `kept` holds.
inline echo_outcome send_kept(int fd, std::string& kept) {
  const ssize_t sent = ::send(fd, kept.data(), kept.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN ? echo_outcome::some_kept : echo_outcome::closed;
  kept.erase(0, static_cast<std::size_t>(sent));
  if (!kept.empty()) return echo_outcome::some_kept;
  kept.shrink_to_fit();
  return echo_outcome::all_sent;
}

/// Reads once and writes it back; what the socket does not take goes to `kept`.
inline echo_outcome echo_once(int fd, std::string& kept) {
  const ssize_t got = ::recv(fd, echo_buffer, sizeof echo_buffer, 0);
  if (got <= 0)
    return got < 0 && errno == EAGAIN ? echo_outcome::all_sent : echo_outcome::closed;
  const ssize_t sent = ::send(fd, echo_buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL);
  if (sent == got) return echo_outcome::all_sent;
  if (sent < 0 && errno != EAGAIN) return echo_outcome::closed;
  const ssize_t from = sent < 0 ? 0 : sent;
  kept.assign(echo_buffer + from, static_cast<std::size_t>(got - from));
  return echo_outcome::some_kept;
}

}  // namespace bench

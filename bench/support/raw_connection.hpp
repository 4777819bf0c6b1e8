// SPDX-License-Identifier: BSL-1.0
/// A connection on a bare socket: what the servers by hand and on libev do with the readiness that
/// they are told of, and what they keep when the peer does not read fast enough.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace bench {

/// What all connections read into, because nothing stays in it.
#ifdef BENCH_THREADS
thread_local
#endif
    inline char shared_buffer[64 * 1024];

/// What a connection is to be watched for next.
enum class wanted { reading, writing, nothing };

/// `Protocol` has `bool answer(bytes, raw_connection&, fd)`, which sends and returns what that
/// returns.
template <class Protocol>
class raw_connection {
 public:
  wanted read(int fd) {
    const ssize_t got = ::recv(fd, shared_buffer, sizeof shared_buffer, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN ? wanted::reading : wanted::nothing;
    if (!protocol_.answer({shared_buffer, static_cast<std::size_t>(got)}, *this, fd))
      return wanted::nothing;
    return kept_.empty() ? wanted::reading : wanted::writing;
  }

  wanted write(int fd) {
    const ssize_t sent = ::send(fd, kept_.data(), kept_.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? wanted::writing : wanted::nothing;
    kept_.erase(0, static_cast<std::size_t>(sent));
    if (!kept_.empty()) return wanted::writing;
    kept_.shrink_to_fit();
    return wanted::reading;
  }

  /// Sends now, and keeps what the socket does not take. False when the peer is gone.
  bool send(int fd, std::string_view bytes) {
    std::size_t sent = 0;
    if (kept_.empty()) {
      const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) return false;
      if (n > 0) sent = static_cast<std::size_t>(n);
    }
    if (sent < bytes.size()) kept_.append(bytes.substr(sent));
    return true;
  }

 private:
  [[no_unique_address]] Protocol protocol_;
  std::string kept_;
};

}  // namespace bench

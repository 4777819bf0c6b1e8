// SPDX-License-Identifier: BSL-1.0
/// The server of a connection class.
#pragma once

#include <asyncore.hpp>
#include <cstddef>
#include <utility>

#include "limits.hpp"

/// Makes a `Connection` of each that is accepted, at most `limits.connections` at once.
template <class Derived, class Connection, class Loop>
struct listener : asyncore::dispatcher<Derived, Loop> {
  using listener::dispatcher::dispatcher;  // another one opens the socket
  listener(Loop& loop, const asyncore::endpoint& where) : listener::dispatcher(loop) {
    this->create_socket(where.family());
    this->set_reuse_addr();
    this->bind(where);
    this->listen(backlog);
  }

  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    this->loop().template emplace<Connection>(std::move(peer));
  }

  // The server leaves: those who have connected are served.
  void handle_drain() {
    for (int left = backlog; left > 0; --left) {
      auto peer = this->accept();
      if (!peer) break;
      this->loop().template emplace<Connection>(std::move(peer->first)).handle_drain();
    }
    this->close();
  }

  static constexpr int backlog = 1024;
  const std::size_t connection_limit = limits.connections + 2;  // with this and the signals
};

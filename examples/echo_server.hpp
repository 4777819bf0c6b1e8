// SPDX-License-Identifier: BSL-1.0
/// The echo server's channels and loop, on any poller.
#pragma once

#include <asyncore.hpp>

#include <cstddef>

#include "support/leave_on_signal.hpp"
#include "support/serve.hpp"

/// The server on one poller: its channels, and the loop that knows them all.
template <class Poller>
struct echo {
  struct connection;
  struct server;
  struct signals;
  using server_loop = asyncore::basic_loop<Poller, asyncore::fd_table<connection, server, signals>>;

  struct connection : asyncore::dispatcher_with_send<connection, server_loop> {
    using connection::dispatcher_with_send::dispatcher_with_send;

    void handle_data(std::span<const std::byte> data) { this->send(data); }

    // A peer that does not read its echo is not read from either.
    static constexpr auto predicates = asyncore::ask_on_rearm;
    bool readable() const { return this->queued() < 65536; }

    // A peer that has sent all it has still gets the rest of its echo.
    void handle_close() { handle_write(); }
    bool writable() const { return this->closing(); }
    void handle_write() {
      if (this->queued() == 0) this->close();
    }
  };

  struct server : asyncore::dispatcher<server, server_loop> {
    using server::dispatcher::dispatcher;  // another one opens the socket
    server(server_loop& loop, const asyncore::endpoint& where) : server::dispatcher(loop) {
      this->create_socket(where.family());
      this->set_reuse_addr();
      this->bind(where);
      this->listen(1024);
    }

    void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
      this->loop().template emplace<connection>(std::move(peer));
    }
  };

  struct signals : leave_on_signal<signals, server_loop> {
    using signals::leave_on_signal::leave_on_signal;
  };

  static void serve(const asyncore::endpoint& where, std::size_t threads) {
    ::serve<server, signals>(where, threads, [](server_loop&) {});
  }
};

// SPDX-License-Identifier: BSL-1.0
/// The echo server's channels and loop, on any poller.
#pragma once

#include <asyncore.hpp>

#include <cstddef>

#include "support/drain_on_signal.hpp"
#include "support/listener.hpp"
#include "support/patient_connection.hpp"
#include "support/serve.hpp"

/// The server on one poller: its channels, and the loop that knows them all.
template <class Poller>
struct echo {
  struct connection;
  struct server;
  struct signals;
  using server_loop = asyncore::basic_loop<Poller, asyncore::fd_table<connection, server, signals>>;

  struct connection : patient_connection<connection, server_loop> {
    using connection::patient_connection::patient_connection;

    void handle_data(std::span<const std::byte> data) {
      this->set_deadline(limits.patience);
      this->send(data);
    }

    // A peer that has sent all it has still gets the rest of its echo.
    void handle_close() { this->close_when_done(); }
  };

  struct server : listener<server, connection, server_loop> {
    using server::listener::listener;
  };

  struct signals : drain_on_signal<signals, server_loop> {
    using signals::drain_on_signal::drain_on_signal;
  };

  static void serve(const asyncore::endpoint& where, std::size_t threads) {
    ::serve<server, signals>(where, threads, [](server_loop&) {});
  }
};

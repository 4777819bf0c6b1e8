// SPDX-License-Identifier: BSL-1.0
/// What the servers on standalone Asio share. Asio is told that there is one thread.
#pragma once

#include <asio.hpp>
#include <memory>

#include "server.hpp"

namespace bench {

using asio::ip::tcp;

template <class Session>
void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](asio::error_code error, tcp::socket socket) {
    if (!error)
      std::make_shared<Session>(std::move(socket))->read();
    else if (error != asio::error::connection_aborted)
      fail("accept", error.value());
    accept<Session>(acceptor);
  });
}

/// Serves until SIGTERM; `prepare` starts other operations.
template <class Session>
int run_server(int argc, char** argv, void (*prepare)(asio::io_context&) = nullptr) {
  const server_options options(argc, argv);
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);

  tcp::acceptor acceptor(context, {asio::ip::make_address(options.host()), options.port()});
  acceptor.listen(1024);
  accept<Session>(acceptor);
  asio::signal_set leaving(context, SIGTERM);
  leaving.async_wait([&context](asio::error_code, int) { context.stop(); });
  if (prepare) prepare(context);
  announce(acceptor.native_handle());

  context.run();
  return 0;
}

}  // namespace bench

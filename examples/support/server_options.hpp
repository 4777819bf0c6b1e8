// SPDX-License-Identifier: BSL-1.0
/// The command line of the server examples.
#pragma once

#include <CLI/CLI.hpp>
#include <asyncore.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

#include "parse_options.hpp"

/// The option of servers that use more than one thread.
inline void add_threads(CLI::App& app, std::size_t& threads) {
  app.add_option("--threads", threads, "Loops, each in a thread; 0: one for each processor")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
}

/// Which poller to use, and where to listen.
struct server_options {
  std::string poller = "best";
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;

  /// `add(app)` adds options of the program's own.
  template <class Add>
  server_options(int argc, char** argv, const std::string& what, Add add) {
    CLI::App app(what);
    add(app);
    app.add_option("--poller", poller, "One of " + asyncore::poller_names())
        ->capture_default_str()
        ->check(readable_by([](auto& name) { asyncore::with_poller(name, [](auto) {}); }));
    app.add_option("--host", host, "The numeric IPv4 or IPv6 address to listen on")
        ->capture_default_str()
        ->check(readable_by([](auto& address) { asyncore::endpoint::ip(address, 0); }));
    app.add_option("--port", port, "The port to listen on; 0 takes a free one")
        ->capture_default_str()
        ->check(CLI::Range(0, 65535));
    parse_options(app, argc, argv);
  }
  server_options(int argc, char** argv, const std::string& what)
      : server_options(argc, argv, what, [](CLI::App&) {}) {}

  asyncore::endpoint where() const { return asyncore::endpoint::ip(host, port); }
};

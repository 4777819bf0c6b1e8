// SPDX-License-Identifier: BSL-1.0
// Sends back what it receives.
#include "echo_server.hpp"

#include <cstdio>

#include "support/server_options.hpp"

int main(int argc, char** argv) try {
  std::size_t threads = 1;
  const server_options options(argc, argv, "Sends back what it receives.",
                               [&](CLI::App& app) {
                                 add_threads(app, threads);
                                 add_limits(app);
                               });
  asyncore::with_poller(options.poller, [&](auto poller) {
    echo<typename decltype(poller)::type>::serve(options.where(), threads);
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "echo_server: %s\n", e.what());
  return 1;
}

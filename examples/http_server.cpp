// SPDX-License-Identifier: BSL-1.0
// Serves a few pages over HTTP/1.1, and statistics of its own.
#include <asyncore.hpp>
#include <asyncore/poller/observed.hpp>
#include <asyncore/prometheus.hpp>
#include <asyncore/statistics.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "support/drain_on_signal.hpp"
#include "support/http_connection.hpp"
#include "support/listener.hpp"
#include "support/serve.hpp"
#include "support/server_options.hpp"

struct page {
  std::string_view path;
  http_reply answer;
};

const page pages[] = {
    {"/", {"200 OK", "This is an asyncore server. There is also /hello.\n"}},
    {"/hello", {"200 OK", "hello, world\n"}},
};
const http_reply not_found("404 Not Found", "There is no such page.\n");

const http_reply& page_at(std::string_view path) {
  for (const page& each : pages)
    if (each.path == path) return each.answer;
  return not_found;
}

constexpr std::string_view stats_path = "/metrics";
std::vector<const asyncore::loop_statistics*> observed_loops;

http_reply statistics() {
  std::string text;
  asyncore::append_prometheus(text, observed_loops);
  return {"200 OK", text, {}, asyncore::prometheus_content_type};
}

/// The server on one poller: its channels, and the loop that knows them all. With an observed
/// poller it also serves what that has counted.
template <class Poller>
struct http {
  static constexpr bool is_observed = requires(Poller& p) { p.observer(); };
  struct connection;
  struct server;
  struct signals;
  using server_loop = asyncore::basic_loop<Poller, asyncore::fd_table<connection, server, signals>>;

  struct connection : http_connection<connection, server_loop> {
    using connection::http_connection::http_connection;

    void handle_request(const http_request& request) {
      if constexpr (is_observed)
        if (request.path() == stats_path) return this->reply(request, statistics());
      this->reply(request, page_at(request.path()));
    }
  };

  struct server : listener<server, connection, server_loop> {
    using server::listener::listener;
  };

  struct signals : drain_on_signal<signals, server_loop> {
    using signals::drain_on_signal::drain_on_signal;
  };

  static void serve(const asyncore::endpoint& where, std::size_t threads) {
    ::serve<server, signals>(where, threads, [](auto& loop) {
      if constexpr (is_observed) observed_loops.push_back(&loop.observer());
    });
  }
};

int main(int argc, char** argv) try {
  std::size_t threads = 1;
  bool stats = false;
  const server_options options(
      argc, argv, "Serves a few pages over HTTP/1.1.", [&](CLI::App& app) {
        add_threads(app, threads);
        add_limits(app);
        app.add_flag("--stats", stats,
                     "Serve statistics in Prometheus' text format at " + std::string(stats_path));
      });
  asyncore::with_poller(options.poller, [&](auto found) {
    using poller = typename decltype(found)::type;
    if (!stats) return http<poller>::serve(options.where(), threads);
    http<asyncore::observed<poller, asyncore::loop_statistics>>::serve(options.where(), threads);
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "http_server: %s\n", e.what());
  return 1;
}

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
#include "support/http_request.hpp"
#include "support/listener.hpp"
#include "support/patient_connection.hpp"
#include "support/serve.hpp"
#include "support/server_options.hpp"

/// A response that is always the same; its head lacks the Connection field and the empty line.
struct response {
  response(std::string_view status, std::string_view content, std::string_view fields = {},
           std::string_view type = "text/plain")
      : head("HTTP/1.1 " + std::string(status) + "\r\nContent-Type: " + std::string(type) +
             "\r\nContent-Length: " + std::to_string(content.size()) + "\r\n" +
             std::string(fields)),
        body(content) {}
  std::string head;
  std::string body;
};

struct page {
  std::string_view path;
  response answer;
};

const page pages[] = {
    {"/", {"200 OK", "This is an asyncore server. There is also /hello.\n"}},
    {"/hello", {"200 OK", "hello, world\n"}},
};
const response not_found("404 Not Found", "There is no such page.\n");
const response bad_request("400 Bad Request", "This is not a request of HTTP/1.1.\n");
const response not_allowed("405 Method Not Allowed", "There is only GET and HEAD.\n",
                           "Allow: GET, HEAD\r\n");
const response too_slow("408 Request Timeout", "The request took too long.\n");
const response too_long("431 Request Header Fields Too Large", "The head is too long.\n");

const response& answer_to(const http_request& request) {
  if (request.result() == http_lines::outcome::malformed) return bad_request;
  if (request.result() == http_lines::outcome::too_long) return too_long;
  if (request.method() != "GET" && request.method() != "HEAD") return not_allowed;
  for (const page& each : pages)
    if (each.path == request.path()) return each.answer;
  return not_found;
}

constexpr std::string_view stats_path = "/metrics";
std::vector<const asyncore::loop_statistics*> observed_loops;

bool asks_for_statistics(const http_request& request) {
  return request.result() == http_lines::outcome::complete && request.method() == "GET" &&
         request.path() == stats_path;
}

response statistics() {
  std::string text;
  asyncore::append_prometheus(text, observed_loops);
  return {"200 OK", text, {}, asyncore::prometheus_content_type};
}

/// The server on one poller: its channels, and the loop that knows them all. With an observed
/// poller it also serves what that has counted.
template <class Poller>
struct http {
  static constexpr bool is_observed = requires(Poller& p) { p.observer(); };
  class connection;
  struct server;
  struct signals;
  using server_loop = asyncore::basic_loop<Poller, asyncore::fd_table<connection, server, signals>>;

  class connection : public patient_connection<connection, server_loop> {
   public:
    using connection::patient_connection::patient_connection;

    void handle_data(std::span<const std::byte> data) {
      std::string_view input = asyncore::as_text(data);
      if (unfinished_.empty()) {
        this->set_deadline(limits.patience);
      } else {  // the rest of a head gets no more time
        input = unfinished_.append(input);
      }
      while (answer_first(input)) continue;
      unfinished_.assign(input);  // which may be a part of it
    }

    // A peer that has sent all it has still gets its responses.
    void handle_close() { this->close_when_done(); }

    void handle_timeout() {
      std::string_view head = unfinished_;
      if (head.empty()) return connection::patient_connection::handle_timeout();
      answer(http_request(head), too_slow);
      unfinished_.clear();
    }

    // What has come is answered, and so is a first request that is on its way.
    void handle_drain() {
      last_ = true;
      this->handle_read_event();
      if (answered_ && unfinished_.empty()) this->leave();
    }

   private:
    /// Answers the first request of `input` and takes it off; false when there is none behind it.
    bool answer_first(std::string_view& input) {
      const http_request request(input);
      if (request.result() == http_lines::outcome::unfinished) return false;
      const bool more = is_observed && asks_for_statistics(request)
                            ? answer(request, statistics())
                            : answer(request, answer_to(request));
      if (!more) input = {};
      return !input.empty();
    }

    /// False when that was the last. Then it closes with care: while there is unread input, close()
    /// would make the kernel reset the connection, and the peer could lose the response (RFC 9112,
    /// 9.6).
    bool answer(const http_request& request, const response& with) {
      const bool ends = last_ || !request.keep_alive();
      answered_ = true;
      this->set_deadline(limits.patience);
      this->send(with.head);
      this->send(ends                    ? "Connection: close\r\n\r\n"
                 : request.is_http_1_0() ? "Connection: keep-alive\r\n\r\n"
                                         : "\r\n");
      if (request.method() != "HEAD") this->send(with.body);
      if (ends) this->close_when_done();
      return !ends;
    }

    std::string unfinished_;  // the beginning of a request
    bool answered_ = false;   // some request
    bool last_ = false;       // the next answer
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

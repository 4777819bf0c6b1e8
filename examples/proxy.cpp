// SPDX-License-Identifier: BSL-1.0
// Passes connections on to another server. However fast one side sends and however slowly the other
// reads, a connection costs no more memory than its watermarks allow. When one side is gone, however
// that came, the other one ends, too.
#include <asyncore.hpp>
#include <asyncore/deadline.hpp>
#include <cstdio>

#include "support/leave_on_signal.hpp"
#include "support/limits.hpp"
#include "support/server_options.hpp"

template <class Poller>
struct proxy {
  struct side;
  struct server;
  struct signals;
  using proxy_loop = asyncore::basic_loop<Poller, asyncore::fd_table<side, server, signals>>;

  /// One of the two connections; what it receives the other sends.
  struct side : asyncore::dispatcher_with_send<side, proxy_loop>,
                asyncore::deadline<side, proxy_loop> {
    using side::dispatcher_with_send::dispatcher_with_send;

    ~side() {
      if (other != nullptr) other->other = nullptr;
    }

    void handle_data(std::span<const std::byte> data) {
      show_life();
      if (other == nullptr || other->send(data).closed()) this->abort();
    }

    // What waits to be sent came from the other side.
    void handle_high_water() {
      if (other != nullptr) other->pause_reading();
    }
    void handle_low_water() {
      show_life();
      if (other != nullptr) other->resume_reading();
    }

    // A side that has sent everything may still receive: its end is passed on behind its bytes.
    void handle_close(std::error_code reason) {
      if (reason || other == nullptr) return this->abort();
      ended = true;
      std::error_code ignored;
      other->shutdown(SHUT_WR, ignored);
      if (!other->ended) return;
      other->close_when_done();
      this->close_when_done();
    }

    // However it came: neither side outlives the other, but to send what waits.
    void handle_closed(const asyncore::close_info& info) {
      if (other == nullptr) return;
      if (info.reason || !info.all_sent()) return other->abort();
      other->close_when_done();
    }

    // The other server cannot be reached.
    void handle_error() {
      if (other != nullptr) other->close();
      this->close();
    }

    void handle_timeout() { this->abort(); }
    void show_life() {
      this->set_deadline(limits.patience);
      if (other != nullptr) other->set_deadline(limits.patience);
    }

    side* other = nullptr;
    bool ended = false;  // the peer sends no more
  };

  struct server : asyncore::dispatcher<server, proxy_loop> {
    server(proxy_loop& loop, const asyncore::endpoint& where, const asyncore::endpoint& to)
        : server::dispatcher(loop), target(to) {
      this->create_socket(where.family());
      this->set_reuse_addr();
      this->bind(where);
      this->listen(1024);
    }

    void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
      side& near = this->loop().template emplace<side>(std::move(peer));
      side& far = this->loop().template emplace<side>();
      near.other = &far;
      far.other = &near;
      std::error_code failed;
      far.create_socket(target.family(), SOCK_STREAM, failed);
      if (!failed) far.connect(target, failed);
      if (failed) return far.handle_error();
      near.show_life();
    }

    asyncore::endpoint target;
    // Two channels for each, beside this one and that of the signals.
    std::size_t connection_limit = 2 * limits.connections + 2;
  };

  struct signals : leave_on_signal<signals, proxy_loop> {
    using signals::leave_on_signal::leave_on_signal;
  };

  static void serve(const asyncore::endpoint& where, const asyncore::endpoint& to) {
    proxy_loop loop;
    loop.template emplace<signals>();
    const server& listener = loop.template emplace<server>(where, to);
    std::printf("listening on %s\n", listener.local_addr().to_string().c_str());
    std::fflush(stdout);
    loop.run();
  }
};

int main(int argc, char** argv) try {
  asyncore::endpoint to;
  limits.connections = 1000;
  const server_options options(argc, argv, "Passes connections on to another server.",
                               [&](CLI::App& app) {
                                 add_limits(app);
                                 app.add_option_function<std::string>(
                                        "--to",
                                        [&](const std::string& text) {
                                          to = asyncore::endpoint::parse(text);
                                        },
                                        "The address of the other server, as 127.0.0.1:8080")
                                     ->required();
                               });
  asyncore::with_poller(options.poller, [&](auto poller) {
    proxy<typename decltype(poller)::type>::serve(options.where(), to);
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "proxy: %s\n", e.what());
  return 1;
}

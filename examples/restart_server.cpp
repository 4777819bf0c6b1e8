// SPDX-License-Identifier: BSL-1.0
// An HTTP server whose restart fails no request. Start it again with the same --handover PATH: the
// new process is given the listening socket through the UNIX socket at PATH, and the old one drains:
// what it has accepted it answers. By systemd's socket activation it is given its socket, too.
#include <asyncore.hpp>
#include <asyncore/drain.hpp>
#include <asyncore/handover.hpp>

#include <cstdio>
#include <string>

#include "support/http_request.hpp"
#include "support/server_options.hpp"

using namespace std::chrono_literals;

constexpr auto patience = 10s;  // for what is under way when it drains

template <class Poller>
struct restarting {
  struct connection;
  struct server;
  struct door;
  struct successor;
  struct signals;
  using server_loop =
      asyncore::basic_loop<Poller,
                           asyncore::fd_table<connection, server, door, successor, signals>>;

  /// Answers with the process' number.
  struct connection : asyncore::dispatcher_with_send<connection, server_loop> {
    using connection::dispatcher_with_send::dispatcher_with_send;

    void handle_data(std::span<const std::byte> data) {
      unfinished += asyncore::as_text(data);
      std::string_view input = unfinished;
      while (answer_first(input)) continue;
      unfinished.erase(0, unfinished.size() - input.size());
    }

    // A request that is on its way is answered; behind the last answer there is none to wait for.
    void handle_drain() {
      last = true;
      if (answered && unfinished.empty()) this->close_when_done();
    }
    void handle_close() { this->close_when_done(); }

    bool answer_first(std::string_view& input) {
      const http_request request(input);
      if (request.result() == http_lines::outcome::unfinished) return false;
      const bool bad = request.result() != http_lines::outcome::complete;
      const bool ends = last || !request.keep_alive();
      const std::string body = "served by " + std::to_string(::getpid()) + "\n";
      this->send(std::string(bad ? "HTTP/1.1 400 Bad Request" : "HTTP/1.1 200 OK") +
                 "\r\nContent-Length: " + std::to_string(body.size()) +
                 (ends ? "\r\nConnection: close" : "") + "\r\n\r\n");
      if (request.method() != "HEAD") this->send(body);
      answered = true;
      if (ends) this->close_when_done();
      return !ends;
    }

    std::string unfinished;  // the beginning of a request
    bool answered = false;
    bool last = false;
  };

  struct server : asyncore::dispatcher<server, server_loop> {
    server(server_loop& loop, asyncore::socket listener) : server::dispatcher(loop) {
      this->set_socket(std::move(listener));
      this->listen(1024);
    }
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

  /// A new process: it is given the listening socket, and says with a byte that it serves.
  struct successor : asyncore::dispatcher<successor, server_loop> {
    successor(server_loop& loop, asyncore::socket peer, int listener)
        : successor::dispatcher(loop, std::move(peer)) {
      std::error_code failed;
      asyncore::send_descriptors(this->native_handle(), {&listener, 1}, failed);
      if (failed) this->close();
    }
    void handle_data(std::span<const std::byte>) { this->loop().drain(patience); }
    void handle_close() { this->close(); }  // it failed; this process serves on
  };

  /// Where a new process comes in.
  struct door : asyncore::dispatcher<door, server_loop> {
    door(server_loop& loop, const std::string& path, int listening)
        : door::dispatcher(loop), listener(listening) {
      // Renamed, so that at every moment somebody listens at the path.
      const std::string fresh = path + "." + std::to_string(::getpid());
      this->create_socket(AF_UNIX);
      this->bind(asyncore::endpoint::parse("unix:" + fresh));
      this->listen();
      if (std::rename(fresh.c_str(), path.c_str()) != 0)
        throw std::system_error(errno, std::system_category(), "rename to " + path);
    }
    void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
      this->loop().template emplace<successor>(std::move(peer), listener);
    }
    int listener;
  };

  struct signals : asyncore::signal_channel<signals, server_loop> {
    explicit signals(server_loop& loop) : signals::signal_channel(loop, {SIGTERM, SIGINT}) {}
    void handle_signal(int) { this->loop().drain(patience); }
  };

  static void serve(const asyncore::endpoint& where, const std::string& path) {
    server_loop loop;
    loop.template emplace<signals>();
    auto predecessor = asyncore::socket();
    const server& listener = start(loop, where, path, predecessor);
    if (!path.empty()) loop.template emplace<door>(path, listener.native_handle());
    std::printf("listening on %s\n", listener.local_addr().to_string().c_str());
    std::fflush(stdout);
    if (predecessor) asyncore::posix_system::send(predecessor.native_handle(), ready);
    predecessor.close();
    loop.run();
  }

  /// With the socket that systemd gives, else that of the process that serves at `path`.
  static server& start(server_loop& loop, const asyncore::endpoint& where, const std::string& path,
                       asyncore::socket& predecessor) {
    for (auto& given : asyncore::inherited_sockets())
      return loop.template emplace<server>(std::move(given));
    if (!path.empty()) {
      predecessor = asyncore::socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const auto to = asyncore::endpoint::parse("unix:" + path);
      if (::connect(predecessor.native_handle(), to.data(), to.size()) == 0) {
        auto given = asyncore::receive_descriptors(predecessor.native_handle());
        if (!given.empty())
          return loop.template emplace<server>(asyncore::socket(std::move(given.front())));
      }
      predecessor.close();
    }
    return loop.template emplace<server>(where);
  }

  static constexpr std::byte ready[] = {std::byte{'r'}};
};

int main(int argc, char** argv) try {
  std::string path;
  const server_options options(
      argc, argv, "Serves over HTTP, and is restarted without a failed request.",
      [&](CLI::App& app) {
        app.add_option("--handover", path,
                       "The path of a UNIX socket: who serves there hands over to this process, "
                       "which then serves there");
      });
  asyncore::with_poller(options.poller, [&](auto poller) {
    restarting<typename decltype(poller)::type>::serve(options.where(), path);
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "restart_server: %s\n", e.what());
  return 1;
}

// SPDX-License-Identifier: BSL-1.0
// An HTTP server whose restart fails no request. Start it again with the same --handover PATH: the
// new process is given the listening socket through the UNIX socket at PATH, and the old one drains:
// what it has accepted it answers. By systemd's socket activation it is given its socket, too.
#include <asyncore.hpp>
#include <asyncore/handover.hpp>
#include <cstdio>
#include <string>
#include <sys/stat.h>

#include "support/drain_on_signal.hpp"
#include "support/http_connection.hpp"
#include "support/listener.hpp"
#include "support/server_options.hpp"

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
  struct connection : http_connection<connection, server_loop> {
    using connection::http_connection::http_connection;
    void handle_request(const http_request& request) {
      static const http_reply page("200 OK", "served by " + std::to_string(::getpid()) + "\n");
      this->reply(request, page);
    }
  };

  struct server : listener<server, connection, server_loop> {
    using server::listener::listener;
    server(server_loop& loop, asyncore::socket given) : server::listener(loop) {
      this->set_socket(std::move(given));
      this->listen(server::backlog);
    }
  };

  /// A new process: it is given the listening socket, and says with a byte that it serves. The door
  /// outlives it: both end when the loop drains.
  struct successor : asyncore::dispatcher<successor, server_loop> {
    successor(server_loop& loop, asyncore::socket peer, door& through)
        : successor::dispatcher(loop, std::move(peer)), behind(through) {
      std::error_code failed;
      asyncore::send_descriptors(this->native_handle(), {&through.listener, 1}, failed);
      if (failed) this->close();
    }
    void handle_data(std::span<const std::byte>) { this->loop().drain(limits.patience); }
    // It failed, maybe behind a door of its own; this process serves on.
    void handle_close() {
      this->close();
      if (!behind.is_there()) behind.open();
    }
    door& behind;
  };

  /// Where a new process comes in.
  struct door : asyncore::dispatcher<door, server_loop> {
    door(server_loop& loop, std::string at, int listening)
        : door::dispatcher(loop), listener(listening), path(std::move(at)) {
      open();
    }
    /// At the path, from now on, instead of whoever listens there.
    void open() {
      // Renamed, so that at every moment somebody listens at the path.
      const std::string fresh = path + "." + std::to_string(::getpid());
      door::dispatcher::close();
      this->create_socket(AF_UNIX);
      this->bind(asyncore::endpoint::parse("unix:" + fresh));
      this->listen();
      if (std::rename(fresh.c_str(), path.c_str()) != 0)
        throw std::system_error(errno, std::system_category(), "rename to " + path);
      inode = inode_at_path();
    }
    bool is_there() const { return inode != 0 && inode_at_path() == inode; }
    ino_t inode_at_path() const {
      struct stat found {};
      return ::stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
    }
    void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
      this->loop().template emplace<successor>(std::move(peer), *this);
    }
    int listener;
    std::string path;
    ino_t inode = 0;
  };

  struct signals : drain_on_signal<signals, server_loop> {
    using signals::drain_on_signal::drain_on_signal;
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

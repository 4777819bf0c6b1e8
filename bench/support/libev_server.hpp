// SPDX-License-Identifier: BSL-1.0
/// What the servers on libev share.
#pragma once

#include "libev_loop.hpp"
#include "raw_connection.hpp"
#include "server.hpp"

namespace bench {

/// A connection that is served as soon as it is ready.
template <class Protocol, bool Pieces = false>
struct libev_connection {
  libev_connection(struct ev_loop* loop, int fd) {
    if (Pieces) send_at_once(fd);
    ev_io_init(&watcher, on_ready, fd, EV_READ);
    watcher.data = this;
    ev_io_start(loop, &watcher);
  }

  static void on_ready(struct ev_loop* loop, ev_io* watcher, int events) {
    auto* self = static_cast<libev_connection*>(watcher->data);
    const wanted before = events & EV_WRITE ? wanted::writing : wanted::reading;
    const wanted after =
        before == wanted::writing ? self->raw.write(watcher->fd) : self->raw.read(watcher->fd);
    if (after == before) return;
    ev_io_stop(loop, watcher);
    if (after == wanted::nothing) {
      ::close(watcher->fd);
      delete self;
      return;
    }
    ev_io_modify(watcher, after == wanted::reading ? EV_READ : EV_WRITE);
    ev_io_start(loop, watcher);
  }

  ev_io watcher;
  raw_connection<Protocol> raw;
};

template <class Connection>
void on_accept(struct ev_loop* loop, ev_io* watcher, int) {
  for (int batch = 0; batch < 64; ++batch) {
    const int fd = accept_one(watcher->fd);
    if (fd < 0) return;
    new Connection(loop, fd);
  }
}

inline void on_signal(struct ev_loop* loop, ev_signal*, int) { ev_break(loop, EVBREAK_ALL); }

/// Serves until SIGTERM; `prepare` starts other watchers.
template <class Connection>
int run_server(int argc, char** argv, void (*prepare)(struct ev_loop*) = nullptr) {
  const server_options options(argc, argv, {{"--poller", {"epoll", "poll", "select"}}});
  struct ev_loop* loop = libev_loop(options.chosen(0));

  const int listener = open_listener(options);
  ev_io accepting;
  ev_io_init(&accepting, on_accept<Connection>, listener, EV_READ);
  ev_io_start(loop, &accepting);
  ev_signal leaving;
  ev_signal_init(&leaving, on_signal, SIGTERM);
  ev_signal_start(loop, &leaving);
  if (prepare) prepare(loop);
  announce(listener);

  ev_run(loop, 0);
  return 0;
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
// The twin of echo_server_asyncore.cpp on libev.
#include <ev.h>

#include "support/echo_server.hpp"
#include "support/raw_echo.hpp"

namespace {

std::uint64_t messages;

struct connection {
  ev_io watcher;
  std::string kept;  // what the peer has not taken yet
};

void watch_for(struct ev_loop* loop, ev_io* watcher, int what) {
  ev_io_stop(loop, watcher);
  ev_io_modify(watcher, what);
  ev_io_start(loop, watcher);
}

void on_ready(struct ev_loop* loop, ev_io* watcher, int events) {
  auto* self = static_cast<connection*>(watcher->data);
  bench::echo_outcome outcome;
  if (events & EV_WRITE) {
    outcome = bench::send_kept(watcher->fd, self->kept);
    if (outcome == bench::echo_outcome::all_sent) watch_for(loop, watcher, EV_READ);
  } else {
    ++messages;
    outcome = bench::echo_once(watcher->fd, self->kept);
    if (outcome == bench::echo_outcome::some_kept) watch_for(loop, watcher, EV_WRITE);
  }
  if (outcome == bench::echo_outcome::closed) {
    ev_io_stop(loop, watcher);
    ::close(watcher->fd);
    delete self;
  }
}

void on_accept(struct ev_loop* loop, ev_io* watcher, int) {
  for (int batch = 0; batch < 64; ++batch) {
    const int fd = ::accept4(watcher->fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
      bench::fail("accept4");
    }
    auto* self = new connection;
    ev_io_init(&self->watcher, on_ready, fd, EV_READ);
    self->watcher.data = self;
    ev_io_start(loop, &self->watcher);
  }
}

void on_signal(struct ev_loop* loop, ev_signal*, int) { ev_break(loop, EVBREAK_ALL); }

}  // namespace

int main(int argc, char** argv) {
  bench::echo_server_options options("Echoes over TCP, by libev.");
  options.parse(argc, argv);
  struct ev_loop* loop = ev_default_loop(EVBACKEND_EPOLL);

  const int listener = bench::open_listener(options);
  ev_io accepting;
  ev_io_init(&accepting, on_accept, listener, EV_READ);
  ev_io_start(loop, &accepting);
  ev_signal leaving;
  ev_signal_init(&leaving, on_signal, SIGTERM);
  ev_signal_start(loop, &leaving);
  bench::announce(listener);

  ev_run(loop, 0);
  bench::report(messages);
}

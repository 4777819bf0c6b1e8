// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libev.
#include "support/libev_loop.hpp"
#include "support/ring.hpp"

namespace {

long left;

struct station {
  ev_io watcher;
  int to;
};

void on_readable(struct ev_loop* loop, ev_io* watcher, int) {
  bench::hop(watcher->fd, reinterpret_cast<station*>(watcher)->to);
  if (--left == 0) ev_break(loop, EVBREAK_ALL);
}

}  // namespace

int main(int argc, char** argv) {
  bench::ring ring("Bytes around a ring of pipes, by libev.");
  ring.choose_poller({"epoll", "poll", "select"});
  ring.choose_turns();
  ring.open(argc, argv);
  left = ring.hops();

  struct ev_loop* loop = bench::libev_loop(ring.poller());
  std::vector<station> stations(ring.links().size());
  for (std::size_t i = 0; i < stations.size(); ++i) {
    stations[i].to = ring.links()[i].to;
    ev_io_init(&stations[i].watcher, on_readable, ring.links()[i].from, EV_READ);
    ev_io_start(loop, &stations[i].watcher);
  }
  while (left > 0) ev_run(loop, ring.once() ? EVRUN_ONCE : 0);
  ring.report();
}

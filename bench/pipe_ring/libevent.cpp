// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libevent.
#include "support/libevent_base.hpp"
#include "support/ring.hpp"

namespace {

event_base* base;
long left;

void on_readable(evutil_socket_t fd, short, void* link) {
  bench::hop(fd, static_cast<const bench::link*>(link)->to);
  if (--left == 0) event_base_loopbreak(base);
}

}  // namespace

int main(int argc, char** argv) {
  bench::ring ring("Bytes around a ring of pipes, by libevent.");
  ring.choose_poller({"epoll", "poll", "select"});
  ring.open(argc, argv);
  left = ring.hops();

  base = bench::libevent_base(ring.poller());
  std::vector<bench::link> links = ring.links();
  for (bench::link& link : links)
    event_add(event_new(base, link.from, EV_READ | EV_PERSIST, on_readable, &link), nullptr);
  event_base_dispatch(base);
  ring.report();
}

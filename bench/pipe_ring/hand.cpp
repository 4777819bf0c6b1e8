// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp without any library: what an expert writes by hand for each of
// the three system calls.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "support/ring.hpp"

namespace {

/// What is known of a connection, found by its descriptor.
struct connection {
  int to = -1;
};

using table = std::vector<connection>;

long run_epoll(const bench::ring& ring, const table& connections) {
  const int queue = ::epoll_create1(EPOLL_CLOEXEC);
  if (queue < 0) bench::fail("epoll_create1");
  for (const bench::link& link : ring.links()) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = link.from;
    if (::epoll_ctl(queue, EPOLL_CTL_ADD, link.from, &event) != 0) bench::fail("epoll_ctl");
  }
  epoll_event events[256];
  long left = ring.hops();
  while (left > 0) {
    const int ready = ::epoll_wait(queue, events, 256, -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        bench::hop(fd, connections[static_cast<std::size_t>(fd)].to);
        if (--left == 0) break;
      }
    }
  }
  return left;
}

long run_poll(const bench::ring& ring, const table& connections) {
  std::vector<pollfd> watched;
  for (const bench::link& link : ring.links()) watched.push_back({link.from, POLLIN, 0});
  long left = ring.hops();
  while (left > 0) {
    int ready = ::poll(watched.data(), watched.size(), -1);
    for (const pollfd& each : watched) {
      if (ready <= 0 || left == 0) break;
      if (each.revents == 0) continue;
      --ready;
      bench::hop(each.fd, connections[static_cast<std::size_t>(each.fd)].to);
      --left;
    }
  }
  return left;
}

long run_select(const bench::ring& ring, const table& connections) {
  fd_set watched;
  FD_ZERO(&watched);
  int highest = -1;
  for (const bench::link& link : ring.links()) {
    if (link.from >= FD_SETSIZE) bench::fail("select takes no descriptor this high", EINVAL);
    FD_SET(link.from, &watched);
    if (link.from > highest) highest = link.from;
  }
  long left = ring.hops();
  while (left > 0) {
    fd_set readable = watched;
    int ready = ::select(highest + 1, &readable, nullptr, nullptr, nullptr);
    for (int fd = 0; ready > 0 && left > 0 && fd <= highest; ++fd) {
      if (!FD_ISSET(fd, &readable)) continue;
      --ready;
      bench::hop(fd, connections[static_cast<std::size_t>(fd)].to);
      --left;
    }
  }
  return left;
}

}  // namespace

int main(int argc, char** argv) {
  bench::ring ring("Bytes around a ring of pipes, by a hand-written loop.");
  ring.choose_poller({"epoll", "poll", "select"});
  ring.open(argc, argv);

  table connections;
  for (const bench::link& link : ring.links()) {
    const auto fd = static_cast<std::size_t>(link.from);
    if (connections.size() <= fd) connections.resize(fd + 1);
    connections[fd].to = link.to;
  }
  const long left = ring.poller() == "epoll"  ? run_epoll(ring, connections)
                    : ring.poller() == "poll" ? run_poll(ring, connections)
                                              : run_select(ring, connections);
  ring.report();
  return left == 0 ? 0 : 1;
}

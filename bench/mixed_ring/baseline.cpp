// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp without any library: the kind of a connection is a small number.
#include <sys/epoll.h>

#include "support/ring.hpp"

namespace {

enum class kind { relay, meter };

/// What is known of a connection, found by its descriptor.
struct connection {
  int to = -1;
  kind what = kind::relay;
  std::size_t passed = 0;
};

using table = std::vector<connection>;

table connections_of(const std::vector<bench::link>& links) {
  table connections;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const auto fd = static_cast<std::size_t>(links[i].from);
    if (connections.size() <= fd) connections.resize(fd + 1);
    connections[fd] = {links[i].to, i % 2 == 0 ? kind::relay : kind::meter};
  }
  return connections;
}

int watch(const std::vector<bench::link>& links) {
  const int queue = ::epoll_create1(EPOLL_CLOEXEC);
  if (queue < 0) bench::fail("epoll_create1");
  for (const bench::link& link : links) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = link.from;
    if (::epoll_ctl(queue, EPOLL_CTL_ADD, link.from, &event) != 0) bench::fail("epoll_ctl");
  }
  return queue;
}

void receive(int fd, connection& from, std::span<std::byte> buffer) {
  const ssize_t n = ::read(fd, buffer.data(), buffer.size());
  if (n <= 0) bench::fail("read from a pipe of the ring");
  const auto data = buffer.first(static_cast<std::size_t>(n));
  switch (from.what) {
    case kind::relay:
      return bench::pass_on(data, from.to);
    case kind::meter:
      from.passed += data.size();
      return bench::pass_on(data, from.to);
  }
}

void run(int queue, table& connections, long left, int timeout) {
  static std::byte buffer[65536];
  epoll_event events[256];
  while (left > 0) {
    const int ready = ::epoll_wait(queue, events, 256, timeout);
    for (int i = 0; i < ready; ++i) {
      if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) continue;
      const int fd = events[i].data.fd;
      receive(fd, connections[static_cast<std::size_t>(fd)], buffer);
      if (--left == 0) break;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::ring ring("Bytes around a ring of pipes with two kinds of members, by hand.");
  ring.choose_turns();
  ring.keep_apart();
  ring.open(argc, argv);

  table connections = connections_of(ring.links());
  run(watch(ring.links()), connections, ring.hops(), ring.once() ? 5000 : -1);
  ring.report();
}

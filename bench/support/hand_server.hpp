// SPDX-License-Identifier: BSL-1.0
/// What the servers without a library share: level-triggered epoll by hand.
#pragma once

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <vector>

#include "raw_connection.hpp"
#include "server.hpp"

namespace bench {

inline int queue;

/// Adds `fd` to the queue or, with EPOLL_CTL_MOD, changes what it is watched for.
inline void watch(int fd, std::uint32_t what, int how = EPOLL_CTL_ADD) {
  epoll_event event{};
  event.events = what;
  event.data.fd = fd;
  if (::epoll_ctl(queue, how, fd, &event) != 0) fail("epoll_ctl");
}

/// A connection that is served as soon as it is ready.
template <class Protocol, bool Pieces = false>
struct hand_connection {
  std::uint32_t accepted(int fd) {
    if (Pieces) send_at_once(fd);
    return EPOLLIN;
  }

  bool ready(int fd, std::uint32_t events) {
    const wanted before = events & EPOLLOUT ? wanted::writing : wanted::reading;
    const wanted after = before == wanted::writing ? raw.write(fd) : raw.read(fd);
    if (after == wanted::nothing) return false;
    if (after != before) watch(fd, after == wanted::reading ? EPOLLIN : EPOLLOUT, EPOLL_CTL_MOD);
    return true;
  }

  raw_connection<Protocol> raw;
};

/// Connections by descriptor. `uint32_t Connection::accepted(int fd)` returns what to watch for;
/// `bool Connection::ready(int fd, uint32_t events)` returns false when the connection is over.
template <class Connection>
inline std::vector<Connection> connections;

template <class Connection>
void accept_some(int listener) {
  for (int batch = 0; batch < 64; ++batch) {
    const int fd = accept_one(listener);
    if (fd < 0) return;
    const auto index = static_cast<std::size_t>(fd);
    if (connections<Connection>.size() <= index) connections<Connection>.resize(index + 1);
    watch(fd, connections<Connection>[index].accepted(fd));
  }
}

/// Serves until SIGTERM. `prepare()` may watch another descriptor, which it returns and which
/// `notice` is told of.
template <class Connection>
int run_server(int argc, char** argv, int (*prepare)() = nullptr, void (*notice)() = nullptr) {
  const server_options options(argc, argv, {{"--wait", {"blocking", "spinning"}}});
  const int timeout = options.chosen(0) == "spinning" ? 0 : -1;
  queue = ::epoll_create1(EPOLL_CLOEXEC);
  if (queue < 0) fail("epoll_create1");
  const int listener = open_listener(options);
  watch(listener, EPOLLIN);

  sigset_t leaving;
  sigemptyset(&leaving);
  sigaddset(&leaving, SIGTERM);
  sigprocmask(SIG_BLOCK, &leaving, nullptr);
  const int farewell = ::signalfd(-1, &leaving, SFD_NONBLOCK | SFD_CLOEXEC);
  watch(farewell, EPOLLIN);
  const int other = prepare ? prepare() : -1;
  announce(listener);

  epoll_event events[256];
  while (true) {
    const int ready = ::epoll_wait(queue, events, 256, timeout);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        accept_some<Connection>(listener);
      } else if (fd == farewell) {
        return 0;
      } else if (fd == other) {
        notice();
      } else if (Connection& each = connections<Connection>[static_cast<std::size_t>(fd)];
                 !each.ready(fd, events[i].events)) {
        ::close(fd);
        each = {};
      }
    }
  }
}

}  // namespace bench

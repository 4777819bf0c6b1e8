// SPDX-License-Identifier: BSL-1.0
// The twin of echo_server_asyncore.cpp without any library: level-triggered epoll by hand.
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <vector>

#include "support/echo_server.hpp"
#include "support/raw_echo.hpp"

namespace {

int queue;
std::vector<std::string> kept;  // by descriptor: what the peer has not taken yet

void watch(int fd, std::uint32_t what, int how) {
  epoll_event event{};
  event.events = what;
  event.data.fd = fd;
  if (::epoll_ctl(queue, how, fd, &event) != 0) bench::fail("epoll_ctl");
}

void accept_some(int listener) {
  for (int batch = 0; batch < 64; ++batch) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
      bench::fail("accept4");
    }
    if (kept.size() <= static_cast<std::size_t>(fd)) kept.resize(static_cast<std::size_t>(fd) + 1);
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  }
}

void serve(int fd, std::uint32_t events, std::uint64_t& messages) {
  std::string& rest = kept[static_cast<std::size_t>(fd)];
  bench::echo_outcome outcome;
  if (events & EPOLLOUT) {
    outcome = bench::send_kept(fd, rest);
    if (outcome == bench::echo_outcome::all_sent) watch(fd, EPOLLIN, EPOLL_CTL_MOD);
  } else {
    ++messages;
    outcome = bench::echo_once(fd, rest);
    if (outcome == bench::echo_outcome::some_kept) watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
  }
  if (outcome == bench::echo_outcome::closed) {
    ::close(fd);
    rest = {};
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::echo_server_options options("Echoes over TCP, by hand-written epoll.");
  options.parse(argc, argv);

  queue = ::epoll_create1(EPOLL_CLOEXEC);
  if (queue < 0) bench::fail("epoll_create1");
  const int listener = bench::open_listener(options);
  watch(listener, EPOLLIN, EPOLL_CTL_ADD);

  sigset_t leaving;
  sigemptyset(&leaving);
  sigaddset(&leaving, SIGTERM);
  sigprocmask(SIG_BLOCK, &leaving, nullptr);
  const int farewell = ::signalfd(-1, &leaving, SFD_NONBLOCK | SFD_CLOEXEC);
  watch(farewell, EPOLLIN, EPOLL_CTL_ADD);
  bench::announce(listener);

  epoll_event events[256];
  std::uint64_t messages = 0;
  for (bool running = true; running;) {
    const int ready = ::epoll_wait(queue, events, 256, -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener)
        accept_some(listener);
      else if (fd == farewell)
        running = false;
      else
        serve(fd, events[i].events, messages);
    }
  }
  bench::report(messages);
}

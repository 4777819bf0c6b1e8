// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp without any library: epoll in each thread.
#include <sched.h>
#include <sys/epoll.h>

#include <thread>

#include "support/group_server.hpp"
#include "support/raw_connection.hpp"
#include "support/raw_protocol.hpp"

namespace {

using bench::wanted;
using connection = bench::raw_connection<bench::echo_protocol>;

/// One thread's connections, by descriptor.
class worker {
 public:
  worker(int listener, int cpu, bench::accepted_count& count)
      : queue_(::epoll_create1(EPOLL_CLOEXEC)), listener_(listener), cpu_(cpu), count_(count) {
    if (queue_ < 0) bench::fail("epoll_create1");
  }

  void run(bool exclusive) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<std::size_t>(cpu_), &only);
    ::sched_setaffinity(0, sizeof only, &only);
    watch(listener_, exclusive ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN, EPOLL_CTL_ADD);
    epoll_event events[256];
    while (true) {
      const int ready = ::epoll_wait(queue_, events, 256, -1);
      for (int i = 0; i < ready; ++i) serve(events[i].data.fd, events[i].events);
    }
  }

 private:
  void watch(int fd, std::uint32_t what, int how) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    if (::epoll_ctl(queue_, how, fd, &event) != 0) bench::fail("epoll_ctl");
  }

  void serve(int fd, std::uint32_t events) {
    if (fd == listener_) return accept();
    connection& each = connections_[static_cast<std::size_t>(fd)];
    const wanted before = events & EPOLLOUT ? wanted::writing : wanted::reading;
    const wanted after = before == wanted::writing ? each.write(fd) : each.read(fd);
    if (after == wanted::nothing) {
      ::close(fd);
      each = {};
    } else if (after != before) {
      watch(fd, after == wanted::reading ? EPOLLIN : EPOLLOUT, EPOLL_CTL_MOD);
    }
  }

  void accept() {
    for (int batch = 0; batch < 16; ++batch) {
      const int fd = bench::accept_one(listener_);
      if (fd < 0) return;
      const auto index = static_cast<std::size_t>(fd);
      if (connections_.size() <= index) connections_.resize(index + 1);
      watch(fd, EPOLLIN, EPOLL_CTL_ADD);
      ++count_.connections;
    }
  }

  int queue_;
  int listener_;
  int cpu_;
  bench::accepted_count& count_;
  std::vector<connection> connections_;
};

/// A listener at the same address as `first`, if there is one.
int open_listener(const bench::group_options& options, int first) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) bench::fail("socket");
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in where = options.address();
  socklen_t length = sizeof where;
  if (first >= 0) ::getsockname(first, reinterpret_cast<sockaddr*>(&where), &length);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
    bench::fail("bind");
  if (::listen(listener, 1024) != 0) bench::fail("listen");
  return listener;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::group_options options(argc, argv, {"reuse-port", "exclusive"});
  const bool exclusive = options.share() == "exclusive";
  cpu_set_t usable;
  ::sched_getaffinity(0, sizeof usable, &usable);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &usable)) cpus.push_back(cpu);

  std::vector<bench::accepted_count> counts(options.threads());
  const int first = open_listener(options, -1);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const int listener = i == 0 || exclusive ? first : open_listener(options, first);
    const int cpu = cpus[i % cpus.size()];
    std::thread([listener, cpu, exclusive, &count = counts[i]] {
      worker(listener, cpu, count).run(exclusive);
    }).detach();
  }
  bench::announce(first);
  options.wait();
  bench::print_imbalance(counts);
  std::fflush(stderr);
  ::_exit(0);  // the threads serve on
}

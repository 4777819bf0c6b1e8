// SPDX-License-Identifier: BSL-1.0
// The load client of the echo benchmark: each connection has one message out, checks every byte
// that comes back, and sends the next. It uses no library, so that it costs every server the same.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "support/options.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

struct settings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  int connections = 16;
  int idle = 0;
  std::size_t size = 64;
  double seconds = 2;
  double warm_up = 0.5;
  std::vector<int> cpus;
  int server = 0;
  bool hold = false;
};

/// A message is a row of counters, so that no two in a row are alike and a lost, doubled or
/// swapped one is seen.
void compose(std::string& message, std::uint32_t who, std::uint32_t number) {
  for (std::size_t i = 0; i + 4 <= message.size(); i += 4) {
    const std::uint32_t word = who * 2654435761u + number + static_cast<std::uint32_t>(i);
    std::memcpy(message.data() + i, &word, 4);
  }
}

struct connection {
  int fd;
  std::uint32_t who;
  std::uint32_t number = 0;
  std::size_t received = 0;
  std::string message;

  void send_next() {
    compose(message, who, ++number);
    const ssize_t sent = ::send(fd, message.data(), message.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(message.size())) bench::fail("send");
  }

  /// Takes what has come, and tells whether it completes the message.
  bool receive(std::vector<char>& buffer) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0) bench::fail("an echo");
    if (got == 0) bench::fail("the server closed a connection", ECONNRESET);
    const auto count = static_cast<std::size_t>(got);
    if (received + count > message.size() ||
        std::memcmp(buffer.data(), message.data() + received, count) != 0)
      bench::fail("the echo differs from what was sent", EPROTO);
    received += count;
    if (received < message.size()) return false;
    received = 0;
    return true;
  }
};

/// Connects, and exchanges one message, so that the server is known to have accepted it.
connection open_connection(const settings& chosen, std::uint32_t who) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(chosen.port);
  if (::inet_pton(AF_INET, chosen.host.c_str(), &where.sin_addr) != 1)
    bench::fail(chosen.host.c_str(), EINVAL);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) bench::fail("socket");
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
    bench::fail("connect");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A reset at the end instead of a handshake leaves no port in TIME_WAIT.
  const linger reset{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  const timeval patience{10, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);

  connection made{fd, who, 0, 0, std::string(chosen.size, ' ')};
  made.send_next();
  std::vector<char> buffer(chosen.size);
  while (!made.receive(buffer)) continue;
  return made;
}

struct window {
  clock_type::time_point begin, end;
};

struct tally {
  std::uint64_t messages = 0;
  double seconds = 0;
};

/// One thread's share of the load: echoes until the window is over, counts inside it.
tally drive(std::vector<connection>& connections, const settings& chosen, window when) {
  const int queue = ::epoll_create1(EPOLL_CLOEXEC);
  if (queue < 0) bench::fail("epoll_create1");
  for (connection& each : connections) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &each;
    if (::epoll_ctl(queue, EPOLL_CTL_ADD, each.fd, &event) != 0) bench::fail("epoll_ctl");
    each.send_next();
  }
  std::vector<char> buffer(chosen.size);
  epoll_event events[256];
  std::uint64_t all = 0, before = 0;
  bool counting = false;
  clock_type::time_point began;
  while (true) {
    const int ready = ::epoll_wait(queue, events, 256, 5000);
    if (ready == 0) bench::fail("an echo", ETIMEDOUT);
    for (int i = 0; i < ready; ++i) {
      auto& each = *static_cast<connection*>(events[i].data.ptr);
      if (!each.receive(buffer)) continue;
      ++all;
      each.send_next();
    }
    const auto now = clock_type::now();
    if (!counting && now >= when.begin) {
      counting = true;
      before = all;
      began = now;
    }
    if (now >= when.end) {
      ::close(queue);
      return {all - before, std::chrono::duration<double>(now - began).count()};
    }
  }
}

void pin(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(cpu), &only);
  if (::sched_setaffinity(0, sizeof only, &only) != 0) bench::fail("pin to the processor");
}

/// Processor time of another process in seconds.
double processor_seconds(pid_t process) {
  clockid_t clock;
  if (const int error = ::clock_getcpuclockid(process, &clock)) bench::fail("--server-pid", error);
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void run(const settings& chosen, std::vector<std::vector<connection>>& shares) {
  const auto length = [](double seconds) {
    return std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>(seconds));
  };
  window when;
  when.begin = clock_type::now() + length(chosen.warm_up);
  when.end = when.begin + length(chosen.seconds);
  std::vector<tally> tallies(shares.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < shares.size(); ++i)
    threads.emplace_back([&, i] {
      if (!chosen.cpus.empty()) pin(chosen.cpus[i]);
      tallies[i] = drive(shares[i], chosen, when);
    });
  double processor = 0;
  if (chosen.server != 0) {
    std::this_thread::sleep_until(when.begin);
    processor = processor_seconds(chosen.server);
    std::this_thread::sleep_until(when.end);
    processor = processor_seconds(chosen.server) - processor;
  }
  std::uint64_t messages = 0;
  double rate = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    threads[i].join();
    messages += tallies[i].messages;
    rate += static_cast<double>(tallies[i].messages) / tallies[i].seconds;
  }
  std::printf("messages %llu\nmessages_per_second %.0f\n",
              static_cast<unsigned long long>(messages), rate);
  if (chosen.server != 0 && messages != 0)
    std::printf("server_ns_per_message %.1f\nserver_busy %.3f\n",
                1e9 * processor / static_cast<double>(messages), processor / chosen.seconds);
}

}  // namespace

int main(int argc, char** argv) {
  settings chosen;
  CLI::App app("Loads an echo server over TCP and prints the messages per second.");
  app.add_option("--host", chosen.host, "IPv4 address of the server")->capture_default_str();
  app.add_option("--port", chosen.port, "port of the server")->required();
  app.add_option("--connections", chosen.connections, "active connections, one message out on each")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--idle", chosen.idle, "more connections, silent after their first message")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--size", chosen.size, "bytes in a message")
      ->capture_default_str()
      ->check(CLI::Range(4, 16384));
  app.add_option("--seconds", chosen.seconds, "how long to count")->capture_default_str();
  app.add_option("--warm-up", chosen.warm_up, "seconds before counting")->capture_default_str();
  app.add_option("--cpus", chosen.cpus, "processors, as in 1,2: one pinned thread on each")
      ->delimiter(',');
  app.add_option("--server-pid", chosen.server, "also measure this process's processor time");
  app.add_flag("--hold", chosen.hold,
               "then print 'holding' and keep the connections until the input ends");
  bench::parse(app, argc, argv);
  bench::allow_descriptors(static_cast<unsigned long>(chosen.connections + chosen.idle + 32));

  std::uint32_t who = 0;
  std::vector<connection> idle;
  for (int i = 0; i < chosen.idle; ++i) idle.push_back(open_connection(chosen, who++));
  std::vector<std::vector<connection>> shares(chosen.cpus.empty() ? 1 : chosen.cpus.size());
  for (int i = 0; i < chosen.connections; ++i)
    shares[static_cast<std::size_t>(i) % shares.size()].push_back(open_connection(chosen, who++));
  std::erase_if(shares, [](const auto& share) { return share.empty(); });

  if (!shares.empty()) run(chosen, shares);
  if (chosen.hold) {
    std::printf("holding\n");
    std::fflush(stdout);
    while (std::getchar() != EOF) continue;
  }
}

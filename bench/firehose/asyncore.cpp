// SPDX-License-Identifier: BSL-1.0
// How long a connection that says little waits for its answer while others are given all that they
// can take. The server's loop and the readers of the firehoses are threads of their own.
#include <asyncore.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "support/options.hpp"

namespace {

struct listener;
struct session;
using loop_type = asyncore::basic_loop<asyncore::default_poller,
                                       asyncore::fd_table<listener, session>>;

/// A byte is echoed; two open the firehose.
struct session : asyncore::dispatcher_with_send<session, loop_type> {
  session(loop_type& loop, asyncore::socket peer, std::size_t budget)
      : dispatcher_with_send(loop, std::move(peer)), send_budget(budget) {
    const int on = 1;
    ::setsockopt(native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  void handle_data(std::span<const std::byte> data) {
    if (data.size() == 1) {
      send(data);
    } else {
      hosing = true;
    }
  }
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool writable() const { return hosing; }
  void handle_write() {
    if (queued() == 0) send(water);
  }
  void handle_close() { close(); }
  std::size_t send_budget;
  bool hosing = false;
  static inline const std::vector<char> water = std::vector<char>(8 << 20);
};

struct listener : asyncore::dispatcher<listener, loop_type> {
  listener(loop_type& loop, std::size_t of) : dispatcher(loop), budget(of) {
    create_socket();
    bind(asyncore::endpoint::parse("127.0.0.1:0"));
    listen();
  }
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    loop().emplace<session>(std::move(peer), budget);
  }
  std::size_t budget;
};

asyncore::unique_fd connected(const asyncore::endpoint& to) {
  asyncore::unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), to.data(), to.size()) != 0) bench::fail("connect");
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/// Reads until the end.
std::size_t drink(int fd) {
  std::vector<char> glass(1 << 20);
  std::size_t all = 0;
  for (ssize_t n; (n = ::read(fd, glass.data(), glass.size())) > 0;)
    all += static_cast<std::size_t>(n);
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t budget = asyncore::dispatcher_with_send<session, loop_type>::send_budget;
  int hoses = 2;
  double seconds = 1;
  CLI::App app("Prints how long a small message takes beside large ones, in microseconds.");
  app.add_option("--budget", budget, "bytes that a channel sends in a turn; 0: no end")
      ->capture_default_str();
  app.add_option("--hoses", hoses, "connections that take all they are given")
      ->capture_default_str();
  app.add_option("--seconds", seconds, "how long to measure")->capture_default_str();
  bench::parse(app, argc, argv);
  if (budget == 0) budget = std::numeric_limits<std::size_t>::max();

  loop_type loop;
  const auto where = loop.emplace<listener>(budget).local_addr();
  std::jthread serving([&] { loop.run(); });
  using clock = std::chrono::steady_clock;
  std::vector<double> waits;
  std::vector<std::size_t> drunk(static_cast<std::size_t>(hoses));
  std::vector<std::jthread> drinkers;
  std::vector<asyncore::unique_fd> open;
  for (auto& each : drunk) {
    open.push_back(connected(where));
    if (::write(open.back().get(), "go", 2) != 2) bench::fail("write");
    drinkers.emplace_back([&each, fd = open.back().get()] { each = drink(fd); });
  }
  const auto quiet = connected(where);
  const auto start = clock::now();
  const auto end = start + std::chrono::duration<double>(seconds);
  for (auto now = start; now < end;) {
    char byte = 'x';
    if (::write(quiet.get(), &byte, 1) != 1 || ::read(quiet.get(), &byte, 1) != 1)
      bench::fail("the small message");
    const auto answered = clock::now();
    waits.push_back(std::chrono::duration<double, std::micro>(answered - now).count());
    std::this_thread::sleep_for(std::chrono::microseconds(500));
    now = clock::now();
  }
  const double took = std::chrono::duration<double>(clock::now() - start).count();
  for (auto& each : open) ::shutdown(each.get(), SHUT_RDWR);
  drinkers.clear();
  loop.stop();
  serving.join();
  std::sort(waits.begin(), waits.end());
  std::size_t all = 0;
  for (const std::size_t each : drunk) all += each;
  const auto at = [&](double share) {
    return waits[static_cast<std::size_t>(share * static_cast<double>(waits.size() - 1))];
  };
  std::printf("p50_us %.1f\np99_us %.1f\nmost_us %.1f\nMB_per_s %.0f\n", at(0.5), at(0.99),
              waits.back(), static_cast<double>(all) / took / 1e6);
}

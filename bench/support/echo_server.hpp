// SPDX-License-Identifier: BSL-1.0
/// What every echo server of the benchmark shares: its options, its counters and what it prints.
#pragma once

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "options.hpp"

namespace bench {

/// Prints the bytes that malloc has handed out, on SIGUSR1. It may only be sent while the server
/// sleeps in its wait: then malloc is not in the middle of anything.
inline void on_memory_question(int) {
  const struct mallinfo2 heap = ::mallinfo2();
  char line[64];
  const int length =
      std::snprintf(line, sizeof line, "allocated %zu\n", heap.uordblks + heap.hblkhd);
  if (::write(STDOUT_FILENO, line, static_cast<std::size_t>(length)) < 0) std::abort();
}

class echo_server_options {
 public:
  explicit echo_server_options(std::string what) : app_(std::move(what)) {
    app_.add_option("--host", host_, "IPv4 address to listen on")->capture_default_str();
    app_.add_option("--port", port_, "port to listen on, 0 for a free one")
        ->capture_default_str();
  }

  /// Where a server adds options of its own, before `parse`.
  CLI::App& app() { return app_; }

  void parse(int argc, char** argv) {
    bench::parse(app_, argc, argv);
    allow_descriptors(64);
    struct sigaction action {};
    action.sa_handler = on_memory_question;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR1, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }

  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }

  sockaddr_in address() const {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port_);
    if (::inet_pton(AF_INET, host_.c_str(), &where.sin_addr) != 1) fail(host_.c_str(), EINVAL);
    return where;
  }

 private:
  CLI::App app_;
  std::string host_ = "127.0.0.1";
  std::uint16_t port_ = 0;
};

/// A listening socket, for the servers whose library wants one or has no say in it.
inline int open_listener(const echo_server_options& options) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket");
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in where = options.address();
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) fail("bind");
  if (::listen(listener, 1024) != 0) fail("listen");
  return listener;
}

/// Says where the server listens, as soon as it does.
inline void announce(int listener) {
  sockaddr_in where{};
  socklen_t length = sizeof where;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&where), &length) != 0)
    fail("getsockname");
  char host[INET_ADDRSTRLEN];
  ::inet_ntop(AF_INET, &where.sin_addr, host, sizeof host);
  std::printf("listening on %s:%d\n", host, ntohs(where.sin_port));
  std::fflush(stdout);
}

/// Says at the end what was done: how many times bytes came in, and the processor time in all.
inline void report(std::uint64_t messages) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  std::fprintf(stderr, "messages %llu\nuser_seconds %.6f\nsystem_seconds %.6f\n",
               static_cast<unsigned long long>(messages), seconds(used.ru_utime),
               seconds(used.ru_stime));
}

}  // namespace bench

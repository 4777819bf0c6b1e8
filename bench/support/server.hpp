// SPDX-License-Identifier: BSL-1.0
/// What every server of the benchmark shares. It includes little, because the servers are also what
/// compile_time and binary_size measure.
#pragma once

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "fail.hpp"

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

/// An option that takes one of a few words, the first by default.
struct choice {
  std::string_view option;
  std::initializer_list<const char*> words;
};

/// The command line of a server: --host H --port N and its own choices. A bad option prints what is
/// allowed and exits 2.
class server_options {
 public:
  server_options(int argc, char** argv, std::initializer_list<choice> choices = {}) {
    std::size_t at = 0;
    for (const choice& each : choices) chosen_[at++] = *each.words.begin();
    for (int i = 1; i < argc; i += 2)
      if (i + 1 == argc || !take(argv[i], argv[i + 1], choices)) leave(choices);
    allow_descriptors(64);
    struct sigaction action {};
    action.sa_handler = on_memory_question;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR1, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }

  const char* host() const { return host_; }
  std::uint16_t port() const { return port_; }

  /// The word that was taken for the choice at this position.
  std::string_view chosen(std::size_t position) const { return chosen_[position]; }

  sockaddr_in address() const {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port_);
    if (::inet_pton(AF_INET, host_, &where.sin_addr) != 1) fail(host_, EINVAL);
    return where;
  }

 private:
  bool take(std::string_view option, const char* value, std::initializer_list<choice> choices) {
    if (option == "--host") return (host_ = value) != nullptr;
    if (option == "--port") {
      char* end = nullptr;
      const unsigned long number = std::strtoul(value, &end, 10);
      port_ = static_cast<std::uint16_t>(number);
      return *end == '\0' && number <= 65535;
    }
    std::size_t at = 0;
    for (const choice& each : choices) {
      for (const char* word : each.words)
        if (option == each.option && std::string_view(word) == value) {
          chosen_[at] = word;
          return true;
        }
      ++at;
    }
    return false;
  }

  [[noreturn]] static void leave(std::initializer_list<choice> choices) {
    std::fprintf(stderr, "options: --host IPV4 --port NUMBER (0 takes a free one)");
    for (const choice& each : choices) {
      std::fprintf(stderr, " %s", each.option.data());
      for (const char* word : each.words)
        std::fprintf(stderr, "%c%s", word == *each.words.begin() ? ' ' : '|', word);
    }
    std::fprintf(stderr, "\n");
    std::exit(2);
  }

  const char* host_ = "127.0.0.1";
  std::uint16_t port_ = 0;
  const char* chosen_[4] = {};
};

/// A listening socket, for the servers whose library wants one or has no say in it.
inline int open_listener(const server_options& options) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket");
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in where = options.address();
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) fail("bind");
  if (::listen(listener, 1024) != 0) fail("listen");
  return listener;
}

/// Accepts one connection; -1 when none waits.
inline int accept_one(int listener) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) fail("accept4");
  return fd;
}

/// As a server does that answers in several small pieces.
inline void send_at_once(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
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

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
// The server of README.md sends back everything, also to a client that half-closes its connection
// and begins to read only then.
#pragma GCC diagnostic ignored "-Wreturn-type"  // only `main` may end without a value
#define main serve
#include "block.hpp"
#undef main

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

int connected() {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::strcpy(where.sun_path, SOCKET);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  while (::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) ::sched_yield();
  return fd;
}

}  // namespace

int main() {
  std::thread([] { serve(); }).detach();
  const int fd = connected();
  std::string sent(15'000'000, ' '), received;
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 2654435761 >> 24);
  for (std::size_t i = 0; i < sent.size();)
    if (const auto n = ::write(fd, &sent[i], sent.size() - i); n > 0)
      i += static_cast<std::size_t>(n);
    else
      std::_Exit(2);
  ::shutdown(fd, SHUT_WR);
  char buffer[65536];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
    received.append(buffer, static_cast<std::size_t>(n));
  std::_Exit(received == sent ? 0 : 1);
}

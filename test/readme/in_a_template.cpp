// SPDX-License-Identifier: BSL-1.0
// A channel for any poller, as a template.
#include <asyncore.hpp>

#include "block.hpp"

#include <sys/socket.h>
#include <unistd.h>

int main() {
  asyncore::basic_loop<asyncore::poll_poller, asyncore::fd_table<>> loop;
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return 2;
  loop.emplace<echo_handler<asyncore::poll_poller>>(asyncore::socket(fds[0]));
  char answer[5];
  if (::write(fds[1], "hello", 5) != 5) return 2;
  loop.poll(std::chrono::seconds(1));
  if (::recv(fds[1], answer, sizeof answer, MSG_DONTWAIT) != 5) return 1;
  return std::string_view(answer, 5) == "hello" ? 0 : 1;
}

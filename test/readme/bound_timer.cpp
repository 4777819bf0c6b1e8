// SPDX-License-Identifier: BSL-1.0
// The timer of a channel greets a peer, and does nothing when its channel is gone.
#include <asyncore.hpp>

using namespace std::chrono_literals;

#include "block.hpp"

#include <sys/socket.h>
#include <unistd.h>

int main() {
  int stays[2], goes[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, stays) != 0) return 2;
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, goes) != 0) return 2;
  auto& loop = asyncore::this_thread_loop();
  greeter& other = loop.emplace<greeter>(asyncore::socket(goes[0]));
  loop.emplace<greeter>(asyncore::socket(stays[0]));
  other.close();
  char text[6];
  for (int i = 0; i < 100; ++i) {
    loop.poll(1s);
    if (::recv(stays[1], text, 6, MSG_DONTWAIT) == 6) break;
  }
  if (::recv(goes[1], text, 6, MSG_DONTWAIT) != 0) return 1;
  ::close(stays[1]);
  loop.run();
  return 0;
}

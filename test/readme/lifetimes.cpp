// SPDX-License-Identifier: BSL-1.0
// One of two channels that refer to each other goes, and the other knows.
#include <asyncore.hpp>

#include "block.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <string_view>

int main() {
  int left[2], right[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, left) != 0) return 2;
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, right) != 0) return 2;
  auto& loop = asyncore::this_thread_loop();
  side& one = loop.emplace<side>(asyncore::socket(left[0]));
  side& other = loop.emplace<side>(asyncore::socket(right[0]));
  one.other = &other;
  other.other = &one;
  char passed[5] = {};
  if (::write(left[1], "hello", 5) != 5) return 2;
  loop.poll(std::chrono::seconds(1));
  if (::recv(right[1], passed, 5, MSG_DONTWAIT) != 5) return 3;
  if (std::string_view(passed, 5) != "hello") return 4;
  ::close(left[1]);
  for (int i = 0; i < 10 && other.other != nullptr; ++i) loop.poll(std::chrono::seconds(1));
  if (other.other != nullptr || loop.size() != 1) return 5;
  if (::write(right[1], "to nobody", 9) != 9) return 2;
  loop.poll(std::chrono::seconds(1));
  asyncore::close_all();
  return loop.empty() ? 0 : 6;
}

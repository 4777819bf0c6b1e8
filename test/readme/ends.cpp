// SPDX-License-Identifier: BSL-1.0
// The last hook tells what became of a transfer: one that was read, and one whose peer had gone.
#include <asyncore.hpp>

#include <string>

namespace {

std::string said;

void report(const std::string& line) { said += line + ";"; }

}  // namespace

#include "block.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace {

/// What is said of a transfer of which the peer reads so many bytes.
std::string end_of_transfer(std::size_t size, std::size_t read) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return "no socket";
  said.clear();
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<transfer>(asyncore::socket(fds[0])).begin(std::string(size, 'x'));
  std::string buffer(size, ' ');
  while (read > 0) {
    loop.poll(std::chrono::seconds(0));
    if (const auto n = ::recv(fds[1], buffer.data(), buffer.size(), MSG_DONTWAIT); n > 0)
      read -= static_cast<std::size_t>(n) < read ? static_cast<std::size_t>(n) : read;
  }
  ::close(fds[1]);
  for (int i = 0; i < 100 && !loop.empty(); ++i) loop.poll(std::chrono::seconds(1));
  return said;
}

}  // namespace

int main() {
  if (end_of_transfer(100'000, 100'000) != "226 complete;") return 1;
  const std::string cut = end_of_transfer(10'000'000, 1'000);
  if (!cut.starts_with("426 ") || !cut.ends_with(" bytes lost;")) return 2;
}

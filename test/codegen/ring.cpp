// SPDX-License-Identifier: BSL-1.0
// A ring of 100 pipes around which 100 bytes travel: each station reads one byte and passes it on.
// Usage: ring HOPS
#include <asyncore.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

struct station;
#if defined(OPEN)
using ring_loop = asyncore::basic_loop<asyncore::POLLER, asyncore::fd_table<>>;
#else
using ring_loop = asyncore::basic_loop<asyncore::POLLER, asyncore::fd_table<station>>;
#endif

long left;

struct station : asyncore::file_dispatcher<station, ring_loop> {
  station(ring_loop& loop, int from, int to) : file_dispatcher(loop, from), to_(to) {}
  void handle_read() {
    char byte;
    if (::read(native_handle(), &byte, 1) != 1 || ::write(to_, &byte, 1) != 1) std::abort();
    if (--left == 0) loop().stop();
  }

 private:
  int to_;
};

int main(int, char** arguments) {
  constexpr std::size_t count = 100;
  left = std::atol(arguments[1]);
  std::array<int[2], count> pipes;
  for (auto& pipe : pipes)
    if (::pipe2(pipe, O_NONBLOCK | O_CLOEXEC) != 0) std::abort();
  ring_loop loop;
  for (std::size_t i = 0; i < count; ++i) {
    if (::write(pipes[i][1], "x", 1) != 1) std::abort();
    loop.emplace<station>(pipes[i][0], pipes[(i + 1) % count][1]);
  }
  loop.run();
}

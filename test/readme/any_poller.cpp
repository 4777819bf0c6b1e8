// SPDX-License-Identifier: BSL-1.0
// A poller is chosen by its name.
#include <asyncore.hpp>

#include <iterator>
#include <string>

namespace {

std::string chosen;

template <class Poller>
void serve() {
  asyncore::basic_loop<Poller, asyncore::fd_table<>> loop;
  loop.run();
  chosen = Poller::name;
}

void choose(const std::string& name) {
#include "block.hpp"
}

}  // namespace

int main() {
  for (const char* name : {"select", "poll", "epoll"})
    if (choose(name); chosen != name) return 1;
}

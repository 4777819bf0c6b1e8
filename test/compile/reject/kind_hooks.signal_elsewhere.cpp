// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: handle_signal is called of a signal_channel
#include <asyncore.hpp>

struct session : asyncore::dispatcher<session> {
  using dispatcher::dispatcher;
  void handle_signal(int) {}
};

int main() { asyncore::this_thread_loop().emplace<session>(); }

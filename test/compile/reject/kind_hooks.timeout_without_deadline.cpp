// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: handle_timeout is called of a channel with a deadline
#include <asyncore.hpp>

struct session : asyncore::dispatcher<session> {
  using dispatcher::dispatcher;
  void handle_timeout() {}
};

int main() { asyncore::this_thread_loop().emplace<session>(); }

// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the hooks of the out-queue
#include <asyncore.hpp>

struct session : asyncore::dispatcher<session> {
  using dispatcher::dispatcher;
  void handle_high_water() {}
};

int main() { asyncore::this_thread_loop().emplace<session>(); }

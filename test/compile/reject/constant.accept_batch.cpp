// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: accept_batch is at least 1
#include <asyncore.hpp>

struct channel : asyncore::dispatcher<channel> {
  using dispatcher::dispatcher;
  void handle_accepted(asyncore::socket, asyncore::endpoint) {}
  static constexpr int accept_batch = 0;
};

int main() { asyncore::this_thread_loop().emplace<channel>(); }

// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: collect_incoming_data, found_terminator
#include <asyncore.hpp>

struct session : asyncore::dispatcher<session> {
  using dispatcher::dispatcher;
  void found_terminator() {}
};

int main() { asyncore::this_thread_loop().emplace<session>(); }

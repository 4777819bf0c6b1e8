// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct session : asyncore::dispatcher_with_send<session>, asyncore::deadline<session> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_timeout() { close(); }
  void handle_high_water() {}
};

int main() { asyncore::this_thread_loop().emplace<session>(); }

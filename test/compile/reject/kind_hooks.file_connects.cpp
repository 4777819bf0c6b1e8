// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: handle_connect is called of a kind with a socket
#include <asyncore.hpp>

struct session : asyncore::file_dispatcher<session> {
  using file_dispatcher::file_dispatcher;
  void handle_connect() {}
};

int main() { asyncore::this_thread_loop().emplace<session>(); }

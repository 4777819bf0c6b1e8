// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: a class that listens defines .void handle_accepted
#include <asyncore.hpp>

struct server : asyncore::dispatcher<server> {
  explicit server(asyncore::default_loop& loop) : dispatcher(loop) { listen(); }
  void handle_acepted(asyncore::socket, asyncore::endpoint) {}
};

int main() { asyncore::this_thread_loop().emplace<server>(); }

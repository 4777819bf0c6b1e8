// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct server : asyncore::dispatcher<server> {
  explicit server(asyncore::default_loop& loop) : dispatcher(loop) { listen(); }
  void handle_accepted(asyncore::socket, asyncore::endpoint) {}
};

int main() { asyncore::this_thread_loop().emplace<server>(); }

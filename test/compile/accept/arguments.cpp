// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct reader : asyncore::file_dispatcher<reader> {
  using file_dispatcher::file_dispatcher;
  void handle_read() {}
};

int main() { asyncore::this_thread_loop().emplace<reader>(0); }

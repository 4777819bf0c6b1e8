// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the channel has no public constructor that takes the loop and these arguments
#include <asyncore.hpp>

struct reader : asyncore::file_dispatcher<reader> {
  void handle_read() {}
};

int main() { asyncore::this_thread_loop().emplace<reader>(0); }

// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct reader : asyncore::dispatcher<reader> {
  using dispatcher::dispatcher;
};

int main() { asyncore::this_thread_loop().emplace<reader>(); }

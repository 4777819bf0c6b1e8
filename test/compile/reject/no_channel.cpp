// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: what is emplaced is no channel: derive it publicly from a channel kind, as in
#include <asyncore.hpp>

struct reader {
  explicit reader(asyncore::default_loop&) {}
};

int main() { asyncore::this_thread_loop().emplace<reader>(); }

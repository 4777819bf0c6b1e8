// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the Poller names no system calls
#include <asyncore.hpp>

int main() { asyncore::basic_loop<asyncore::hash_map<>, asyncore::poll_poller>().run(); }

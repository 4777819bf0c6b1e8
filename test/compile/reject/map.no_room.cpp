// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: fixed_fd_table<N> needs room for at least one channel
#include <asyncore.hpp>

int main() { asyncore::basic_loop<asyncore::poll_poller, asyncore::fixed_fd_table<0>>().run(); }

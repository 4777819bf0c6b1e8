// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the Map is not a channel map such as fd_table<>
#include <asyncore.hpp>

int main() { asyncore::basic_loop<asyncore::poll_poller, int>().run(); }

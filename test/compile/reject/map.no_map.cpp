// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the Map is not a channel map such as fd_table<>
#include <asyncore.hpp>
#include <map>

int main() { asyncore::basic_loop<asyncore::poll_poller, std::map<int, void*>>().run(); }

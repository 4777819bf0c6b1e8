// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

int main() { asyncore::basic_loop<asyncore::poll_poller, asyncore::hash_map<>>().run(); }

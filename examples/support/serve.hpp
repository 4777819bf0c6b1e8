// SPDX-License-Identifier: BSL-1.0
/// How the server examples run.
#pragma once

#include <asyncore.hpp>
#include <asyncore/loop_group.hpp>
#include <cstddef>
#include <cstdio>

/// Serves at `where` with one loop, or with a loop in each of so many threads (0: one for each
/// processor), until `Signals` end it. `Server` is a dispatcher that is constructed from its loop
/// and an address, or from its loop alone. `prepare(loop)` is called for each loop before it runs.
template <class Server, class Signals, class Prepare>
void serve(const asyncore::endpoint& where, std::size_t threads, Prepare prepare) {
  using server_loop = typename Server::loop_type;
  const auto say = [](const asyncore::endpoint& address) {
    std::printf("listening on %s\n", address.to_string().c_str());
    std::fflush(stdout);
  };
  if (threads == 1) {  // spares it what a group costs
    server_loop loop;
    prepare(loop);
    loop.template emplace<Signals>();
    say(loop.template emplace<Server>(where).local_addr());
    return loop.run();
  }
  asyncore::loop_group<server_loop> group({.threads = threads, .pinned = false});
  for (std::size_t i = 0; i < group.size(); ++i) prepare(group[i]);
  group[0].template emplace<Signals>(&group);
  say(group.template listen<Server>(where, asyncore::sharing::reuse_port));
  group.run();
}

// SPDX-License-Identifier: BSL-1.0
/// What the servers on asyncore share: the loop, the listening channel and the way to end.
#pragma once

#include <sys/signalfd.h>

#include <asyncore.hpp>
#ifdef BENCH_SPINNING
#include <asyncore/poller/spinning.hpp>
#endif

#include "server.hpp"

#ifndef BENCH_POLLER
#define BENCH_POLLER asyncore::epoll_poller
#endif

namespace bench {

template <class Connection>
struct listener;
template <class Connection>
struct farewell;

/// The loop of a server for `Connection`, and for the `Others` that it has besides.
template <class Connection, class... Others>
using server_loop =
    asyncore::basic_loop<BENCH_POLLER, asyncore::fd_table<Connection, listener<Connection>,
                                                          farewell<Connection>, Others...>>;

template <class Connection>
struct listener : asyncore::dispatcher<listener<Connection>, typename Connection::loop_type> {
  using loop_type = typename Connection::loop_type;

  listener(loop_type& loop, const asyncore::endpoint& where)
      : asyncore::dispatcher<listener, loop_type>(loop) {
    this->create_socket(where.family());
    this->set_reuse_addr();
    this->bind(where);
    this->listen(1024);
  }

  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    this->loop().template emplace<Connection>(std::move(peer));
  }
};

/// Ends the loop on SIGTERM.
template <class Connection>
struct farewell : asyncore::file_dispatcher<farewell<Connection>, typename Connection::loop_type> {
  using asyncore::file_dispatcher<farewell, typename Connection::loop_type>::file_dispatcher;
  void handle_read() { this->loop().stop(); }
};

/// Serves until SIGTERM; `prepare(loop)` makes the other channels.
template <class Connection, class Prepare>
int run_server(int argc, char** argv, Prepare prepare) {
  const server_options options(argc, argv);
  sigset_t leaving;
  sigemptyset(&leaving);
  sigaddset(&leaving, SIGTERM);
  sigprocmask(SIG_BLOCK, &leaving, nullptr);

  typename Connection::loop_type loop;
  loop.template emplace<farewell<Connection>>(
      ::signalfd(-1, &leaving, SFD_NONBLOCK | SFD_CLOEXEC));
  auto& server = loop.template emplace<listener<Connection>>(
      asyncore::endpoint::ip(options.host(), options.port()));
  prepare(loop);
  announce(server.native_handle());
  loop.run({.timeout = {}});  // as the others wait
  return 0;
}

template <class Connection>
int run_server(int argc, char** argv) {
  return run_server<Connection>(argc, argv, [](auto&) {});
}

}  // namespace bench

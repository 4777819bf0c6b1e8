// SPDX-License-Identifier: BSL-1.0
/// What the servers on libevent share.
#pragma once

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "libevent_base.hpp"
#include "server.hpp"

namespace bench {

inline void on_signal(evutil_socket_t, short, void* base) {
  event_base_loopbreak(static_cast<event_base*>(base));
}

inline void free_at_end(bufferevent* connection, short what, void*) {
  if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF)) bufferevent_free(connection);
}

/// A bufferevent that reads, for a connection that was accepted.
inline bufferevent* new_connection(evconnlistener* listener, evutil_socket_t fd,
                                   bufferevent_data_cb on_read, bufferevent_data_cb on_drained) {
  bufferevent* connection =
      bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(connection, on_read, on_drained, free_at_end, nullptr);
  bufferevent_enable(connection, EV_READ | EV_WRITE);
  return connection;
}

/// Serves until SIGTERM; `prepare` adds other events.
inline int run_server(int argc, char** argv, evconnlistener_cb on_accept,
                      void (*prepare)(event_base*) = nullptr) {
  const server_options options(argc, argv, {{"--poller", {"epoll", "poll", "select"}}});
  event_base* base = libevent_base(options.chosen(0));

  const sockaddr_in where = options.address();
  evconnlistener* listener = evconnlistener_new_bind(
      base, on_accept, nullptr, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 1024,
      reinterpret_cast<const sockaddr*>(&where), sizeof where);
  if (listener == nullptr) fail("listen");
  event_add(evsignal_new(base, SIGTERM, on_signal, base), nullptr);
  if (prepare) prepare(base);
  announce(evconnlistener_get_fd(listener));

  event_base_dispatch(base);
  return 0;
}

}  // namespace bench

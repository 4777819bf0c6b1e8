// SPDX-License-Identifier: BSL-1.0
// The twin of echo_server_asyncore.cpp on libevent: bufferevents, as its book writes an echo server.
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "support/echo_server.hpp"

namespace {

std::uint64_t messages;

void on_read(bufferevent* connection, void*) {
  ++messages;
  evbuffer_add_buffer(bufferevent_get_output(connection), bufferevent_get_input(connection));
}

void on_event(bufferevent* connection, short what, void*) {
  if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF)) bufferevent_free(connection);
}

void on_accept(evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void*) {
  bufferevent* connection =
      bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(connection, on_read, nullptr, on_event, nullptr);
  bufferevent_enable(connection, EV_READ | EV_WRITE);
}

void on_signal(evutil_socket_t, short, void* base) {
  event_base_loopbreak(static_cast<event_base*>(base));
}

}  // namespace

int main(int argc, char** argv) {
  bench::echo_server_options options("Echoes over TCP, by libevent.");
  options.parse(argc, argv);
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_base* base = event_base_new_with_config(config);

  const sockaddr_in where = options.address();
  evconnlistener* listener = evconnlistener_new_bind(
      base, on_accept, nullptr, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 1024,
      reinterpret_cast<const sockaddr*>(&where), sizeof where);
  if (listener == nullptr) bench::fail("listen");
  event_add(evsignal_new(base, SIGTERM, on_signal, base), nullptr);
  bench::announce(evconnlistener_get_fd(listener));

  event_base_dispatch(base);
  bench::report(messages);
}

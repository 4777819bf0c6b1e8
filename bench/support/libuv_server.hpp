// SPDX-License-Identifier: BSL-1.0
/// What the servers on libuv share.
#pragma once

#include <uv.h>

#include "server.hpp"

namespace bench {

/// What all connections read into, because nothing stays in it.
inline char shared_buffer[64 * 1024];

inline void check(const char* what, int result) {
  if (result < 0) {
    std::fprintf(stderr, "error: %s: %s\n", what, uv_strerror(result));
    std::exit(1);
  }
}

inline void on_buffer(uv_handle_t*, std::size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(shared_buffer, sizeof shared_buffer);
}

/// `Connection` begins with a `uv_tcp_t handle`, has an `on_read`, and says whether it
/// `answers_in_pieces`, which must not wait for each other.
template <class Connection>
void close_connection(uv_stream_t* stream) {
  uv_close(reinterpret_cast<uv_handle_t*>(stream),
           [](uv_handle_t* handle) { delete reinterpret_cast<Connection*>(handle); });
}

template <class Connection>
void on_connection(uv_stream_t* listener, int status) {
  check("accept", status);
  auto* connection = new Connection;
  check("uv_tcp_init", uv_tcp_init(listener->loop, &connection->handle));
  auto* stream = reinterpret_cast<uv_stream_t*>(&connection->handle);
  check("uv_accept", uv_accept(listener, stream));
  if constexpr (Connection::answers_in_pieces)
    check("uv_tcp_nodelay", uv_tcp_nodelay(&connection->handle, 1));
  check("uv_read_start", uv_read_start(stream, on_buffer, Connection::on_read));
}

inline void on_signal(uv_signal_t* handle, int) { uv_stop(handle->loop); }

/// Serves until SIGTERM; `prepare` starts other handles.
template <class Connection>
int run_server(int argc, char** argv, void (*prepare)(uv_loop_t*) = nullptr) {
  const server_options options(argc, argv);
  uv_loop_t loop;
  check("uv_loop_init", uv_loop_init(&loop));

  uv_tcp_t listener;
  check("uv_tcp_init", uv_tcp_init(&loop, &listener));
  const sockaddr_in where = options.address();
  check("bind", uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&where), 0));
  check("listen", uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 1024,
                            on_connection<Connection>));
  uv_signal_t leaving;
  uv_signal_init(&loop, &leaving);
  uv_signal_start(&leaving, on_signal, SIGTERM);
  int fd = -1;
  check("uv_fileno", uv_fileno(reinterpret_cast<uv_handle_t*>(&listener), &fd));
  if (prepare) prepare(&loop);
  announce(fd);

  uv_run(&loop, UV_RUN_DEFAULT);
  return 0;
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
// The twin of echo_server_asyncore.cpp on libuv: tries to write at once, queues what is left.
#include <uv.h>

#include "support/echo_server.hpp"

namespace {

std::uint64_t messages;
char shared_buffer[64 * 1024];

struct pending_write {
  uv_write_t request;
  std::string rest;
};

void check(const char* what, int result) {
  if (result < 0) {
    std::fprintf(stderr, "error: %s: %s\n", what, uv_strerror(result));
    std::exit(1);
  }
}

void on_closed(uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); }

void on_buffer(uv_handle_t*, std::size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(shared_buffer, sizeof shared_buffer);
}

void on_written(uv_write_t* request, int) {
  delete static_cast<pending_write*>(request->data);
}

void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
  if (got < 0) return uv_close(reinterpret_cast<uv_handle_t*>(stream), on_closed);
  if (got == 0) return;
  ++messages;
  uv_buf_t bytes = uv_buf_init(buffer->base, static_cast<unsigned>(got));
  const int sent = uv_try_write(stream, &bytes, 1);
  if (sent == got) return;
  const int from = sent < 0 ? 0 : sent;
  auto* pending = new pending_write{{}, {buffer->base + from, buffer->base + got}};
  pending->request.data = pending;
  bytes = uv_buf_init(pending->rest.data(), static_cast<unsigned>(pending->rest.size()));
  uv_write(&pending->request, stream, &bytes, 1, on_written);
}

void on_connection(uv_stream_t* listener, int status) {
  check("accept", status);
  auto* connection = new uv_tcp_t;
  check("uv_tcp_init", uv_tcp_init(listener->loop, connection));
  auto* stream = reinterpret_cast<uv_stream_t*>(connection);
  check("uv_accept", uv_accept(listener, stream));
  check("uv_read_start", uv_read_start(stream, on_buffer, on_read));
}

void on_signal(uv_signal_t* handle, int) { uv_stop(handle->loop); }

}  // namespace

int main(int argc, char** argv) {
  bench::echo_server_options options("Echoes over TCP, by libuv.");
  options.parse(argc, argv);
  uv_loop_t loop;
  check("uv_loop_init", uv_loop_init(&loop));

  uv_tcp_t listener;
  check("uv_tcp_init", uv_tcp_init(&loop, &listener));
  const sockaddr_in where = options.address();
  check("bind", uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&where), 0));
  check("listen", uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 1024, on_connection));
  uv_signal_t leaving;
  uv_signal_init(&loop, &leaving);
  uv_signal_start(&leaving, on_signal, SIGTERM);
  int fd = -1;
  check("uv_fileno", uv_fileno(reinterpret_cast<uv_handle_t*>(&listener), &fd));
  bench::announce(fd);

  uv_run(&loop, UV_RUN_DEFAULT);
  bench::report(messages);
}

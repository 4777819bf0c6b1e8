// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libuv: tries to write at once, queues what is left.
#include "support/libuv_server.hpp"
#include "support/libuv_write.hpp"

namespace {

struct connection {
  static constexpr bool answers_in_pieces = false;

  static void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
    if (got < 0) return bench::close_connection<connection>(stream);
    bench::write(stream, {buffer->base, static_cast<std::size_t>(got)});
  }

  uv_tcp_t handle;
};

}  // namespace

int main(int argc, char** argv) { return bench::run_server<connection>(argc, argv); }

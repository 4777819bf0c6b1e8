// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libuv. With BENCH_GATHERED, the answers to what one read has brought
// leave together.
#include "support/libuv_server.hpp"
#include "support/libuv_write.hpp"
#include "support/raw_protocol.hpp"

namespace {

struct connection {
  static constexpr bool answers_in_pieces = true;

  static void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
    if (got < 0) return bench::close_connection<connection>(stream);
    auto* self = reinterpret_cast<connection*>(stream);
    const std::string_view bytes(buffer->base, static_cast<std::size_t>(got));
#ifdef BENCH_GATHERED
    static std::string answers;
    answers.clear();
    bench::each_line(self->begun, bytes, [&](std::string_view line) { answers += line; });
    if (!answers.empty()) bench::write(stream, answers);
#else
    bench::each_line(self->begun, bytes,
                     [&](std::string_view line) { bench::write(stream, line); });
#endif
  }

  uv_tcp_t handle;
  std::string begun;
};

}  // namespace

int main(int argc, char** argv) { return bench::run_server<connection>(argc, argv); }

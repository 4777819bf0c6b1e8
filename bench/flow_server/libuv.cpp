// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libuv.
#include "support/flow.hpp"
#include "support/libuv_server.hpp"

namespace {

struct connection;
bench::work_queue<connection*> work;

struct connection {
  static constexpr bool answers_in_pieces = false;

  ~connection() { work.forget(this); }

  static void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
    if (got == 0) return;
    if (got < 0) return bench::close_connection<connection>(stream);
    auto* self = reinterpret_cast<connection*>(stream);
    if (!std::exchange(self->known, true)) {
      int fd = -1;
      uv_fileno(reinterpret_cast<uv_handle_t*>(stream), &fd);
      bench::narrow(fd);
    }
    work.put(self, bench::to_request(buffer->base, static_cast<std::size_t>(got)));
    uv_read_stop(stream);
  }

  static void on_written(uv_write_t* request, int status) {
    if (status == 0) uv_read_start(request->handle, bench::on_buffer, on_read);
  }

  void answer(std::string_view bytes) {
    auto* stream = reinterpret_cast<uv_stream_t*>(&handle);
    uv_buf_t piece = uv_buf_init(const_cast<char*>(bytes.data()),
                                 static_cast<unsigned>(bytes.size()));
    const int sent = uv_try_write(stream, &piece, 1);
    if (sent == static_cast<int>(bytes.size())) {
      uv_read_start(stream, bench::on_buffer, on_read);
      return;
    }
    const std::size_t from = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    piece = uv_buf_init(piece.base + from, static_cast<unsigned>(bytes.size() - from));
    uv_write(&writing, stream, &piece, 1, on_written);
  }

  uv_tcp_t handle;
  uv_write_t writing;
  bool known = false;
};

void on_work(uv_poll_t*, int, int) {
  work.work([](connection* who, std::string_view bytes) { who->answer(bytes); });
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_server<connection>(argc, argv, [](uv_loop_t* loop) {
    static uv_poll_t worker;
    bench::check("uv_poll_init", uv_poll_init(loop, &worker, work.descriptor()));
    bench::check("uv_poll_start", uv_poll_start(&worker, UV_READABLE, on_work));
  });
}

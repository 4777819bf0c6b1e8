// SPDX-License-Identifier: BSL-1.0
/// Writing on libuv: at once if possible, and what is left when it can be.
#pragma once

#include <uv.h>

#include <string>
#include <string_view>

namespace bench {

struct pending_write {
  uv_write_t request;
  std::string rest;
};

inline void write(uv_stream_t* stream, std::string_view bytes) {
  if (bytes.empty()) return;
  auto length = static_cast<unsigned>(bytes.size());
  uv_buf_t piece = uv_buf_init(const_cast<char*>(bytes.data()), length);
  const int sent = uv_try_write(stream, &piece, 1);
  if (sent == static_cast<int>(length)) return;
  if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  auto* pending = new pending_write{{}, std::string(bytes)};
  pending->request.data = pending;
  length = static_cast<unsigned>(bytes.size());
  piece = uv_buf_init(pending->rest.data(), length);
  uv_write(&pending->request, stream, &piece, 1, [](uv_write_t* request, int) {
    delete static_cast<pending_write*>(request->data);
  });
}

}  // namespace bench

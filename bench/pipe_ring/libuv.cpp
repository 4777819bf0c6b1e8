// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libuv.
#include <uv.h>

#include "support/ring.hpp"

namespace {

long left;

void on_readable(uv_poll_t* handle, int status, int) {
  if (status < 0) bench::fail("poll a pipe of the ring", -status);
  const auto* link = static_cast<const bench::link*>(handle->data);
  bench::hop(link->from, link->to);
  if (--left == 0) uv_stop(handle->loop);
}

}  // namespace

int main(int argc, char** argv) {
  bench::ring ring("Bytes around a ring of pipes, by libuv.");
  ring.choose_turns();
  ring.open(argc, argv);
  left = ring.hops();

  uv_loop_t loop;
  if (const int error = uv_loop_init(&loop)) bench::fail("uv_loop_init", -error);
  std::vector<bench::link> links = ring.links();
  std::vector<uv_poll_t> handles(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) {
    handles[i].data = &links[i];
    if (const int error = uv_poll_init(&loop, &handles[i], links[i].from))
      bench::fail("uv_poll_init", -error);
    uv_poll_start(&handles[i], UV_READABLE, on_readable);
  }
  while (left > 0) uv_run(&loop, ring.once() ? UV_RUN_ONCE : UV_RUN_DEFAULT);
  ring.report();
}

// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libuv.
#include <uv.h>

#include "support/timer_work.hpp"

int main(int argc, char** argv) {
  const bench::timer_work work(argc, argv, "Many timers that wait, by libuv.");
  uv_loop_t loop;
  if (const int error = uv_loop_init(&loop)) bench::fail("uv_loop_init", -error);
  std::vector<uv_timer_t> timers(work.timers());
  for (uv_timer_t& each : timers) uv_timer_init(&loop, &each);
  work.run(
      [&](std::size_t i, std::int64_t delay) {
        uv_timer_start(&timers[i], [](uv_timer_t*) {},
                       static_cast<std::uint64_t>(delay) / 1'000'000, 61'000);
      },
      [&](std::size_t i) { uv_timer_again(&timers[i]); },
      [&](std::size_t i) { uv_timer_stop(&timers[i]); });
}

// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libev.
#include <ev.h>

#include "support/timer_work.hpp"

int main(int argc, char** argv) {
  const bench::timer_work work(argc, argv, "Many timers that wait, by libev.");
  struct ev_loop* loop = ev_loop_new(EVFLAG_AUTO);
  std::vector<ev_timer> timers(work.timers());
  for (ev_timer& each : timers) {
    ev_init(&each, [](struct ev_loop*, ev_timer*, int) {});
    each.repeat = 61;
  }
  work.run(
      [&](std::size_t i, std::int64_t delay) {
        ev_timer_set(&timers[i], static_cast<double>(delay) * 1e-9, 61.);
        ev_timer_start(loop, &timers[i]);
      },
      [&](std::size_t i) { ev_timer_again(loop, &timers[i]); },
      [&](std::size_t i) { ev_timer_stop(loop, &timers[i]); });
}

// SPDX-License-Identifier: BSL-1.0
// What a timer costs among many that wait. Refreshed are deadlines of channels, of which there are
// as many.
#include <asyncore.hpp>

#include <memory>

#include "support/timer_work.hpp"

namespace {

struct session;
using timer_loop = asyncore::basic_loop<asyncore::default_poller, asyncore::fd_table<session>>;

struct session : asyncore::channel<session, timer_loop>, asyncore::deadline<session, timer_loop> {
  /// In no loop: of the descriptor counts only that there is one.
  explicit session(timer_loop& loop) : channel(loop) { set_descriptor(0); }
  void handle_timeout() {}
};

}  // namespace

int main(int argc, char** argv) {
  const bench::timer_work work(argc, argv, "Many timers that wait, by asyncore.");
  timer_loop loop;
  std::vector<asyncore::timer<timer_loop>> timers(work.timers());
  std::allocator<session> memory;  // channels do not move
  session* const sessions = memory.allocate(work.timers());
  for (std::size_t i = 0; i < work.timers(); ++i) std::construct_at(&sessions[i], loop);
  // In a turn, as in a server.
  loop.call_later(std::chrono::seconds(0), [&] {
    for (std::size_t i = 0; i < work.timers(); ++i)
      sessions[i].set_deadline(std::chrono::seconds(60));
    work.run(
        [&](std::size_t i, std::int64_t delay) {
          timers[i] = loop.call_later(std::chrono::nanoseconds(delay), [i] { (void)i; });
        },
        [&](std::size_t i) { sessions[i].set_deadline(std::chrono::seconds(61)); },
        [&](std::size_t i) { timers[i].cancel(); });
  });
  loop.run();
  std::destroy_n(sessions, work.timers());
  memory.deallocate(sessions, work.timers());
}

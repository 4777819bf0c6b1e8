// SPDX-License-Identifier: BSL-1.0
// Loops whose program itself neither posts nor stops: a plugin does, which is loaded while the loop
// runs; and a loop that runs before `main`.
#include <asyncore.hpp>

#include "loop.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <thread>

#include <dlfcn.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

template <class Loop>
struct quiet : asyncore::channel<quiet<Loop>, Loop> {
  using quiet::channel::channel;
  void handle_read() {}
};

/// Another type: what a program does with one must not matter to the other.
using early_loop = asyncore::basic_loop<asyncore::poll_poller, asyncore::fd_table<>>;

/// A loop that waits for what never comes; a thread calls `f` when it does.
template <class Loop, class F>
bool ends_in_time(F f) {
  int ends[2];
  if (::pipe(ends) != 0) return false;
  Loop loop;
  quiet<Loop> channel(loop, ends[0]);
  std::atomic<bool> waits{false};
  loop.call_later(0s, [&] { waits = true; });
  const auto start = std::chrono::steady_clock::now();
  std::thread other([&] {
    while (!waits) std::this_thread::yield();
    f(loop);
  });
  loop.run({.timeout = 20s, .count = {}});
  other.join();
  channel.close();
  ::close(ends[0]);
  ::close(ends[1]);
  return std::chrono::steady_clock::now() - start < 10s;
}

struct before_main {
  bool stopped = false;
  bool posted = false;
  before_main() {
    stopped = ends_in_time<early_loop>([](early_loop& loop) { loop.stop(); });
    ends_in_time<early_loop>([this](early_loop& loop) {
      loop.post([this, &loop] {
        posted = true;
        loop.stop();
      });
    });
  }
};
__attribute__((init_priority(200))) before_main early;

BOOST_AUTO_TEST_SUITE(plugin)

BOOST_AUTO_TEST_CASE(a_plugin_posts_and_stops) {
  int calls = 0;
  BOOST_TEST(ends_in_time<plugin_loop>([&](plugin_loop& loop) {
    void* const plugin = ::dlopen(TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    BOOST_REQUIRE_MESSAGE(plugin != nullptr, ::dlerror());
    const auto post =
        reinterpret_cast<void (*)(plugin_loop*, int*)>(::dlsym(plugin, "plugin_post"));
    const auto stop = reinterpret_cast<void (*)(plugin_loop*)>(::dlsym(plugin, "plugin_stop"));
    post(&loop, &calls);
    stop(&loop);
  }));
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(a_loop_runs_before_main) {
  BOOST_TEST(early.stopped);
  BOOST_TEST(early.posted);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

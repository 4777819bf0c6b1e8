// SPDX-License-Identifier: BSL-1.0
// What other threads may do with a loop: post and stop. Also run under the thread sanitizer.
#include <asyncore.hpp>
#include <asyncore/stop_token.hpp>

#include "../support/descriptor_limit.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/signals.hpp"
#include "../support/standard_error.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

namespace {

using namespace std::chrono_literals;

template <class Place>
struct watcher;
template <class Place>
using loop_of = typename Place::template loop<watcher<Place>>;
template <class Place>
struct watcher : asyncore::channel<watcher<Place>, loop_of<Place>> {
  using watcher::channel::channel;
  void handle_read() { ++reads; }
  int reads = 0;
};

/// Every poller; the map does not matter, and the thread sanitizer takes its time.
using places = std::tuple<
#if ASYNCORE_HAS_EPOLL
    test::place<asyncore::epoll_poller, test::dense, true>,
#endif
    test::place<asyncore::poll_poller, test::hashed, false>,
    test::place<asyncore::select_poller, test::fixed, true>>;

/// A loop that waits for what never comes.
template <class Place>
struct scene {
  test::ends quiet = test::pipe_to_near();
  loop_of<Place> loop;
  watcher<Place> channel{loop, quiet.near.get()};
  static constexpr asyncore::run_options for_ever{.timeout = {}, .count = {}};
};

/// The waker of the kernel, which counts.
struct counting_waker : asyncore::posix_waker {
  void wake() noexcept {
    ++count;
    posix_waker::wake();
  }
  static inline std::atomic<int> count = 0;
};
struct counting_system : asyncore::posix_system {
  using waker = counting_waker;
};
struct counting_poller : asyncore::poll_poller {
  using system = counting_system;
};
using counted = test::place<counting_poller, test::dense, true>;

}  // namespace

BOOST_AUTO_TEST_SUITE(threads)

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_ends_a_wait, Place, places) {
  scene<Place> s;
  for (int i = 0; i < 20; ++i) {
    std::thread other([&] { s.loop.stop(); });
    s.loop.run(s.for_ever);
    other.join();
  }
  // Before a run it ends that one, and leaves nothing behind.
  s.loop.stop();
  s.loop.run(s.for_ever);
  test::put(s.quiet.far, "x");
  s.loop.run({.timeout = {}, .count = 1});
  BOOST_TEST(s.channel.reads == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_in_a_signal_handler_ends_a_wait, Place, places) {
  scene<Place> s;
  static loop_of<Place>* stopped;
  stopped = &s.loop;
  const test::alarms alarms(3ms, [] { stopped->stop(); });
  for (int i = 0; i < 5; ++i) s.loop.run(s.for_ever);
  BOOST_TEST(alarms.count() >= 5);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stop_token_ends_a_run, Place, places) {
  scene<Place> s;
  for (int i = 0; i < 20; ++i) {
    std::jthread runner([&](std::stop_token token) { s.loop.run(token, s.for_ever); });
    if (i % 2 == 0) std::this_thread::yield();
  }
  // Requested already: ends at once; and the next run is not ended.
  std::stop_source source;
  source.request_stop();
  s.loop.run(source.get_token(), s.for_ever);
  test::put(s.quiet.far, "x");
  s.loop.run(std::stop_token(), {.timeout = {}, .count = 1});
  BOOST_TEST(s.channel.reads == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(posts_are_called_in_order, Place, places) {
  constexpr int threads = 4, each = 2000;
  scene<Place> s;
  std::vector<int> last(threads, -1);
  int calls = 0, disorder = 0;
  const auto main_thread = std::this_thread::get_id();
  {
    std::vector<std::jthread> posters;
    for (int t = 0; t < threads; ++t)
      posters.emplace_back([&, t] {
        for (int i = 0; i < each; ++i)
          s.loop.post([&, t, i] {
            disorder += last[static_cast<std::size_t>(t)] != i - 1;
            disorder += std::this_thread::get_id() != main_thread;
            last[static_cast<std::size_t>(t)] = i;
            if (++calls == threads * each) s.loop.stop();
          });
      });
    s.loop.run(s.for_ever);
  }
  BOOST_TEST(calls == threads * each);
  BOOST_TEST(disorder == 0);
  BOOST_TEST(s.channel.reads == 0);
}

// A question and its answer, each of which ends a wait of the other loop.
BOOST_AUTO_TEST_CASE_TEMPLATE(two_loops_talk, Place, places) {
  scene<Place> one, two;
  int left = 2000;
  std::function<void()> ask, answer;
  ask = [&] { two.loop.post(answer); };
  answer = [&] {
    one.loop.post([&] {
      if (--left > 0) return ask();
      two.loop.stop();
      one.loop.stop();
    });
  };
  std::jthread other([&] { two.loop.run(two.for_ever); });
  one.loop.post(ask);
  one.loop.run(one.for_ever);
  other.join();
  BOOST_TEST(left == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(posts_of_posts_wait_for_the_next_turn, Place, places) {
  scene<Place> s;
  int calls = 0;
  std::function<void()> again = [&] {
    ++calls;
    s.loop.post(again);
  };
  s.loop.post(again);
  s.loop.run({.timeout = {}, .count = 10});  // no turn waits
  BOOST_TEST(calls == 10);
  test::put(s.quiet.far, "x");
  s.loop.poll({});
  BOOST_TEST(s.channel.reads == 1);  // and the channels are not kept from theirs
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_they_throw_is_logged, Place, places) {
  scene<Place> s;
  int calls = 0;
  s.loop.post([] { throw std::runtime_error("no such job"); });
  s.loop.post([&] { ++calls; });
  s.loop.post([] { throw asyncore::exit_now(); });
  s.loop.post([&] { ++calls; });
  const std::string text = test::stderr_of(
      [&] { BOOST_CHECK_THROW(s.loop.run(s.for_ever), asyncore::exit_now); });
  BOOST_TEST(test::contains(text, "uncaught exception from a posted function: no such job"), text);
  BOOST_TEST(calls == 1);
  s.loop.run({.timeout = {}, .count = 1});
  BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_without_channels_calls_what_was_posted, Place, places) {
  loop_of<Place> loop;
  int calls = 0;
  loop.post([&] { ++calls; });
  loop.post([&] { loop.post([&] { ++calls; }); });
  loop.run();
  BOOST_TEST(calls == 2);
}

// Work in another thread whose result is posted, and then the guard is released: `run` hears of
// both, and the loop may be destroyed as soon as it has ended.
BOOST_AUTO_TEST_CASE_TEMPLATE(run_waits_for_work_in_other_threads, Place, places) {
  for (int round = 0; round < 200; ++round) {
    auto loop = std::make_unique<loop_of<Place>>();
    int results = 0;
    std::vector<std::thread> workers;
    for (int i = 0; i < 2; ++i)
      workers.emplace_back([&, guard = loop->keep_running(), to = loop.get()]() mutable {
        to->post([&] { ++results; });
        guard.release();
      });
    loop->run({.timeout = {}});
    BOOST_TEST(results == 2);
    loop.reset();  // the workers may still be in `release`
    for (std::thread& each : workers) each.join();
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_left_is_destroyed, Place, places) {
  const auto alive = std::make_shared<int>();
  int calls = 0;
  {
    loop_of<Place> loop;
    loop.post([alive, &calls] { ++calls; });
    loop.post([p = std::make_unique<int>()] {});  // moved, not copied
  }
  BOOST_TEST(alive.use_count() == 1);
  {
    scene<Place> s;
    s.loop.post([] { throw asyncore::exit_now(); });
    s.loop.post([alive, &calls] { ++calls; });
    BOOST_CHECK_THROW(s.loop.run(), asyncore::exit_now);
  }
  BOOST_TEST(alive.use_count() == 1);
  BOOST_TEST(calls == 0);
}

// The waker's descriptor lies far above those of the channels, and no table reaches it.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_high_waker_is_in_no_table, Place, places) {
  scene<Place> s;
  std::vector<test::unique_fd> taken;
  while (taken.empty() || taken.back().get() < 500)
    taken.push_back(test::checked(::dup(s.quiet.far.get())));
  std::thread other([&] {
    for (int i = 0; i < 20; ++i) s.loop.stop();
  });
  s.loop.run(s.for_ever);
  other.join();
  s.loop.stop();
  s.loop.poll(0ns);
  BOOST_TEST(s.channel.reads == 0);
}

// One wake-up for many, and none while the loop is awake.
BOOST_AUTO_TEST_CASE(posts_wake_once) {
  scene<counted> s;
  int calls = 0;
  counting_waker::count = 0;
  for (int i = 0; i < 100; ++i) s.loop.post([&] { ++calls; });
  BOOST_TEST(counting_waker::count == 1);  // the loop has never looked: the first one rings
  s.loop.post([&] {
    for (int i = 0; i < 100; ++i) s.loop.post([&] { ++calls; });
  });
  s.loop.run({.timeout = {}, .count = 2});
  BOOST_TEST(calls == 200);
  BOOST_TEST(counting_waker::count == 1);
  // The word that the loop waits is given once.
  asyncore::detail::mailbox box;
  asyncore::detail::posted a{nullptr}, b{nullptr}, c{nullptr};
  BOOST_TEST(box.fall_asleep());
  BOOST_TEST(box.push(&a));
  BOOST_TEST(!box.push(&b));
  box.wake_up();
  BOOST_TEST(!box.push(&c));
  BOOST_TEST(!box.fall_asleep());
  box.collect();
  for (auto* const each : {&a, &b, &c}) {
    BOOST_TEST(!box.empty());
    BOOST_TEST(box.next() == each);
  }
  BOOST_TEST(box.next() == nullptr);
  BOOST_TEST(box.empty());
}

// A loop that sits in another one is polled when its descriptor is readable.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_post_makes_the_descriptor_readable, Place, places) {
  if constexpr (requires(loop_of<Place>& loop) { loop.native_handle(); }) {
    scene<Place> s;
    int calls = 0;
    for (int i = 1; i <= 3; ++i) {
      s.loop.poll(0ns);
      s.loop.poll(0ns);
      pollfd quiet{s.loop.native_handle(), POLLIN, 0};
      BOOST_TEST(::poll(&quiet, 1, 0) == 0);
      std::thread([&] { s.loop.post([&] { ++calls; }); }).join();
      BOOST_TEST(test::wait_for(s.loop.native_handle(), POLLIN));
      s.loop.poll(0ns);
      BOOST_TEST(calls == i);
    }
    s.loop.post([&] { s.loop.post([&] { ++calls; }); });
    s.loop.poll(0ns);
    BOOST_TEST(test::wait_for(s.loop.native_handle(), POLLIN));
  }
}

/// What is posted to a loop that waits for long, and its stop, are heard soon.
template <class Place>
void hears_others(scene<Place>& s) {
  std::atomic<bool> waits{false};
  int calls = 0;
  s.loop.call_later(0s, [&] { waits = true; });
  const auto start = std::chrono::steady_clock::now();
  std::thread other([&] {
    while (!waits) std::this_thread::yield();
    s.loop.post([&] { ++calls; });
    s.loop.post([&] { s.loop.stop(); });
  });
  s.loop.run({.timeout = std::chrono::milliseconds(test::patience), .count = {}});
  other.join();
  BOOST_TEST(calls == 1);
  BOOST_CHECK(std::chrono::steady_clock::now() - start < 10s);
}

// Neither a loop that has never been posted to nor one that no thread has stopped is deaf.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_first_post_is_heard, Place, places) {
  scene<Place> s;
  hears_others(s);
  hears_others(s);
}

BOOST_AUTO_TEST_SUITE(without_a_waker, *boost::unit_test::label("native"))

BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_hears_others, Place, places) {
  scene<Place> s;
  std::string text;
  {
    const test::redirected_stderr stream;
    const test::unique_fd next = test::checked(::dup(s.quiet.near.get()));
    const test::descriptor_limit none(next.get() + 1);
    hears_others(s);
    hears_others(s);
    text = stream.text();
  }
  BOOST_TEST(test::contains(text, "Too many open files"), text);
  BOOST_TEST(text.find("waker") == text.rfind("waker"), text);  // said once
  // It looks again when there are descriptors.
  s.loop.call_later(2 * s.loop.exhaustion_pause, [&] { s.loop.stop(); });
  s.loop.run(s.for_ever);
  const test::unique_fd above = test::checked(::dup(s.quiet.near.get()));
  hears_others(s);
}

BOOST_AUTO_TEST_CASE(because_select_refuses_it) {
  using place = test::place<asyncore::select_poller, test::fixed, true>;
  const test::descriptor_limit enough(FD_SETSIZE + 100);
  if (!enough) return;
  scene<place> s;
  std::vector<test::unique_fd> taken;
  while (taken.empty() || taken.back().get() < FD_SETSIZE)
    taken.push_back(test::checked(::dup(s.quiet.far.get())));
  const std::string text = test::stderr_of([&] { hears_others(s); });
  BOOST_TEST(test::contains(text, "waker"), text);
}

BOOST_AUTO_TEST_SUITE_END()

// A thread that is cancelled in a hook unwinds through the loop, and is not taken for a failure.
BOOST_AUTO_TEST_CASE(a_cancelled_thread_unwinds, *boost::unit_test::label("native")) {
#if ASYNCORE_HAS_FORCED_UNWIND
  using place = std::tuple_element_t<0, places>;
  static std::atomic<bool> waits, unwound;
  waits = unwound = false;
  const auto work = [](void*) -> void* {
    struct mark {
      ~mark() { unwound = true; }
    } const at_end;
    loop_of<place> loop;
    loop.call_later(0s, [] {
      waits = true;
      for (;;) ::pause();
    });
    loop.run();
    return nullptr;
  };
  pthread_t thread;
  BOOST_REQUIRE(::pthread_create(&thread, nullptr, work, nullptr) == 0);
  while (!waits) std::this_thread::yield();
  ::pthread_cancel(thread);
  void* result = nullptr;
  ::pthread_join(thread, &result);
  BOOST_TEST((result == PTHREAD_CANCELED));
  BOOST_TEST(unwound.load());
#endif
}

// A waker that has been heard does not go on waking.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_late_wake_does_not_spin, Place, places) {
  scene<Place> s;
  s.loop.stop();
  s.loop.run(s.for_ever);
  s.loop.stop();  // wakes the wait of this turn, which is not `run`'s
  s.loop.poll(0ns);
  s.loop.poll(0ns);
  const auto start = std::chrono::steady_clock::now();
  s.loop.poll(5ms);
  BOOST_CHECK(std::chrono::steady_clock::now() - start >= 5ms);
  s.loop.run(s.for_ever);
}

BOOST_AUTO_TEST_SUITE_END()

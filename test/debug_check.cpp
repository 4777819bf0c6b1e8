// SPDX-License-Identifier: BSL-1.0
// The checks of a debug build: an answer that changed without rearm(), a channel that is told of its
// end and stays, and a loop that is used where it must not be.
#undef ASYNCORE_DEBUG  // which the command may define
#define ASYNCORE_DEBUG 1
#include <asyncore.hpp>
#include <asyncore/timers.hpp>

#include "support/child.hpp"
#include "support/descriptors.hpp"
#include "support/matrix.hpp"
#include "support/outcome.hpp"
#include "support/standard_error.hpp"
#include "support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

namespace {

using namespace std::chrono_literals;

/// A poller of this file, so that no other file has the same loop without the check.
template <class Poller>
struct of_this_file : Poller {};
template <class Place>
using checked = test::place<of_this_file<typename Place::poller>, typename Place::map_kind,
                            Place::closed>;

template <class Place>
struct forgetful;
template <class Place>
struct keeping;
template <class Place>
using loop_of = typename checked<Place>::template loop<forgetful<Place>, keeping<Place>>;

template <class Place>
struct forgetful : asyncore::channel<forgetful<Place>, loop_of<Place>> {
  using asyncore::channel<forgetful<Place>, loop_of<Place>>::channel;
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() {
    ++asks;
    return answer;
  }
  void handle_read() {
    ++reads;
    if (reads == 2) answer = false;  // in its own hook it may
  }
  bool answer = true;
  int asks = 0, reads = 0;
};

/// Keeps the span that it was given.
template <class Place>
struct keeping : asyncore::file_dispatcher<keeping<Place>, loop_of<Place>> {
  using keeping::file_dispatcher::file_dispatcher;
  void handle_data(std::span<const std::byte> data) {
    BOOST_TEST(asyncore::as_text(data) == "x");
    kept = data;
  }
  std::span<const std::byte> kept;
};

/// What its handle_close does.
enum class after_end { nothing, waits_to_write, leaves, closes };
template <class Place>
struct told;
template <class Place>
using told_loop = typename checked<Place>::template loop<told<Place>>;
template <class Place>
struct told : asyncore::dispatcher_with_send<told<Place>, told_loop<Place>> {
  told(told_loop<Place>& loop, asyncore::unique_fd fd, after_end act)
      : told::dispatcher_with_send(loop, asyncore::socket(std::move(fd))), does(act) {}
  void handle_data(std::span<const std::byte>) {}
  bool writable() const { return waits; }
  void handle_write() { waits = false; }
  void handle_close() {
    ++closes;
    waits = does == after_end::waits_to_write;
    if (does == after_end::leaves) this->close_when_done();
    if (does == after_end::closes) this->close();
    if (on_close) on_close();
  }
  const after_end does;
  std::function<void()> on_close;
  bool waits = false;
  int closes = 0;
};

struct ready_pipe : test::ends {
  ready_pipe() : ends(test::pipe_to_near()) { test::put(far, "x"); }
};

BOOST_AUTO_TEST_SUITE(debug_check)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_changed_answer_aborts_with_the_type, Place, test::matrix) {
  const test::child_end end = test::in_child([] {
    loop_of<Place> loop;
    const ready_pipe ready;
    forgetful<Place> channel(loop, ready.near.get());
    loop.poll();
    channel.answer = false;
    loop.poll();
    return 0;
  });
  BOOST_TEST(end.signal == SIGABRT);
  BOOST_TEST(test::contains(end.text, "forgetful"), end.text);
  BOOST_TEST(test::contains(end.text, "changed its answer without rearm()"), end.text);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_rearmed_goes_on, Place, test::matrix) {
  loop_of<Place> loop;
  const ready_pipe ready;
  forgetful<Place> channel(loop, ready.near.get());
  test::turn(loop, 5);
  BOOST_TEST(channel.reads == 2);
  channel.answer = true;
  channel.rearm();
  test::turn(loop, 2);
  BOOST_TEST(channel.reads == 4);
  BOOST_TEST(channel.asks >= 7);  // each turn
}

// The first read of a loop makes its buffer, and those that follow borrow it.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_kept_span_shows, Place, test::matrix) {
  loop_of<Place> loop;
  const ready_pipe ready;
  keeping<Place> channel(loop, ready.near.get());
  for (int i = 0; i < 3; ++i) {
    test::turn(loop);
    BOOST_REQUIRE(channel.kept.size() == 1u);
#if ASYNCORE_HAS_ASAN
    BOOST_TEST(__asan_address_is_poisoned(channel.kept.data()) == 1);
#else
    BOOST_TEST(static_cast<int>(channel.kept[0]) == asyncore::detail::stale_byte);
#endif
    test::put(ready.far, "x");
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_class_that_is_told_and_stays_is_logged, Place,
                              test::one_a_poller) {
  for (const after_end does :
       {after_end::nothing, after_end::waits_to_write, after_end::leaves, after_end::closes}) {
    told_loop<Place> loop;
    test::ends pair = test::tcp_pair();
    told<Place> channel(loop, std::move(pair.near), does);
    test::shut(pair.far.get(), SHUT_WR);
    const std::string said = test::stderr_of([&] {
      BOOST_TEST(test::turn_until(loop, [&] { return channel.closes == 1; }));
      test::turn(loop, 3);
    });
    BOOST_TEST(test::contains(said, "handle_close has left") == (does == after_end::nothing),
               said);
    BOOST_TEST(test::contains(said, "told") == (does == after_end::nothing), said);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_that_its_hook_destroys_aborts, Place, test::one_a_poller) {
  for (const bool in_turn : {true, false}) {
    const test::child_end end = test::in_child([&] {
      auto loop = std::make_unique<told_loop<Place>>();
      test::ends pair = test::socket_pair();
      auto& channel = loop->template emplace<told<Place>>(std::move(pair.near), after_end::nothing);
      if (!in_turn) {
        channel.on_close = [&] { loop.reset(); };
        loop->readwrite(channel, asyncore::readiness::hangup);
        return 0;
      }
      loop->call_later(0ns, [&] { loop.reset(); });
      loop->run();
      return 0;
    });
    BOOST_TEST(end.signal == SIGABRT);
    BOOST_TEST(test::contains(end.text, "destroyed in one of its own hooks"), end.text);
  }
}

// Statics and what is local to the thread are destroyed while the hook is under way.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_hook_may_exit, Place, test::one_a_poller) {
  for (const bool local_to_thread : {true, false}) {
    const test::child_end end = test::in_child([&] {
      static std::optional<told_loop<Place>> of_program;
      auto& loop = local_to_thread ? asyncore::this_thread_loop<told_loop<Place>>()
                                   : of_program.emplace();
      loop.call_later(0ns, [] { std::exit(7); });
      loop.run();
      return 0;
    });
    BOOST_TEST(end.status == 7, end.text);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_that_two_threads_use_aborts, Place, test::one_a_poller) {
  const test::child_end end = test::in_child([&] {
    told_loop<Place> loop;
    loop.call_later(0ns, [&] { std::thread([&] { loop.call_later(1ns, [] {}); }).join(); });
    loop.run();
    return 0;
  });
  BOOST_TEST(end.signal == SIGABRT);
  BOOST_TEST(test::contains(end.text, "used by a second thread"), end.text);
}

// It may go from one to another between two turns.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_may_move_to_another_thread, Place, test::one_a_poller) {
  told_loop<Place> loop;
  int calls = 0;
  for (int round = 0; round < 2; ++round) {
    std::thread([&] {
      loop.call_later(0ns, [&] { ++calls; });
      loop.run();
    }).join();
    loop.call_later(0ns, [&] { ++calls; });
    loop.run();
  }
  BOOST_TEST(calls == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timer_that_outlives_its_loop_aborts, Place, test::one_a_poller) {
  using timer = asyncore::timer<told_loop<Place>>;
  const std::function<void(timer&)> uses[] = {[](timer& t) { t.cancel(); },
                                              [](timer& t) { t.unref(); },
                                              [](timer& t) { (void)t.pending(); }};
  for (const auto& use : uses) {
    const test::child_end end = test::in_child([&] {
      timer kept;
      use(kept);  // which names none
      {
        told_loop<Place> loop;
        kept = loop.call_later(0ns, [] {});
        loop.run();
        use(kept);
      }
      use(kept);
      return 0;
    });
    BOOST_TEST(end.signal == SIGABRT);
    BOOST_TEST(test::contains(end.text, "a timer is used after the end of its loop"), end.text);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

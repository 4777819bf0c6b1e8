// SPDX-License-Identifier: BSL-1.0
// What `run` goes on for besides channels, and channels that it does not go on for.
#include <asyncore.hpp>

#include "../support/child.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;

template <class Place>
struct reader;
template <class Place>
using loop_of = typename test::timeless<Place>::template loop<reader<Place>>;

template <class Place>
struct reader : asyncore::file_dispatcher<reader<Place>, loop_of<Place>> {
  static constexpr auto predicates = asyncore::ask_on_rearm;
  reader(loop_of<Place>& loop, asyncore::unique_fd fd)
      : reader::file_dispatcher(loop, std::move(fd)) {}
  void handle_data(std::span<const std::byte> data) {
    received += asyncore::as_text(data);
    if (act) act();
  }
  bool readable() {
    if (when_asked) when_asked();
    return true;
  }
  void handle_close() { this->close(); }
  void handle_drain() {
    if (closes_at_drain) this->close();
  }
  std::string received;
  std::function<void()> act, when_asked;
  bool closes_at_drain = true;
};

/// A loop with two channels.
template <class Place>
struct scene {
  scene() { clock::reset(); }
  test::ends pairs[2] = {test::socket_pair(), test::socket_pair()};
  loop_of<Place> loop;
  reader<Place> one{loop, std::move(pairs[0].near)};
  reader<Place> other{loop, std::move(pairs[1].near)};

  void run() { loop.run({.timeout = 1h, .count = 5}); }
  bool waited() const { return clock::passed() >= 1h; }
};

BOOST_FIXTURE_TEST_SUITE(keep_running, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(run_does_not_go_on_for_an_unref_channel, Place, test::matrix) {
  scene<Place> s;
  s.one.unref();
  s.one.unref();  // counts once
  test::put(s.pairs[0].far, "x");
  s.other.act = [&] { s.other.close(); };
  test::put(s.pairs[1].far, "y");
  s.run();
  BOOST_TEST(!s.waited());
  BOOST_TEST(s.one.received == "x");  // it was served meanwhile
  BOOST_TEST(s.other.received == "y");
  BOOST_TEST(s.loop.size() == 1u);
  s.run();
  BOOST_TEST(!s.waited());
  s.one.ref();
  s.one.ref();
  s.run();
  BOOST_TEST(s.waited());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(poll_serves_an_unref_channel, Place, test::matrix) {
  scene<Place> s;
  s.one.unref();
  s.other.unref();
  s.loop.poll(1h);
  BOOST_TEST(s.waited());
  test::put(s.pairs[0].far, "x");
  s.loop.poll(1h);
  BOOST_TEST(s.one.received == "x");
  s.one.close();
  s.other.close();
  clock::reset();
  s.loop.poll(1h);
  BOOST_TEST(!s.waited());
}

// Leaving, entering, closing and destroying keep the count.
BOOST_AUTO_TEST_CASE_TEMPLATE(it_lasts_and_is_counted_right, Place, test::matrix) {
  scene<Place> s;
  s.one.unref();
  s.other.unref();
  s.one.del_channel();
  s.run();
  BOOST_TEST(!s.waited());
  s.one.ref();
  s.one.add_channel();
  s.run();
  BOOST_TEST(s.waited());
  clock::reset();
  s.one.del_channel();
  s.one.unref();
  s.one.add_channel();
  s.run();
  BOOST_TEST(!s.waited());
  s.one.close();
  s.run();
  BOOST_TEST(!s.waited());
  {
    test::ends third = test::socket_pair();
    reader<Place> counted(s.loop, std::move(third.near));
    s.run();
    BOOST_TEST(s.waited());
  }
  clock::reset();
  s.run();
  BOOST_TEST(!s.waited());
  // One that the loop owns and ends with.
  test::ends fourth = test::socket_pair();
  s.loop.template emplace<reader<Place>>(std::move(fourth.near)).unref();
  s.run();
  BOOST_TEST(!s.waited());
  BOOST_TEST(s.loop.size() == 2u);
  s.loop.close_all();
  BOOST_TEST(s.loop.empty());
}

// In hooks and in predicates, just before the wait.
BOOST_AUTO_TEST_CASE_TEMPLATE(run_ends_when_the_last_is_unref, Place, test::matrix) {
  for (const bool asked : {false, true}) {
    scene<Place> s;
    s.one.unref();
    s.other.act = [&] {
      if (asked) {
        s.other.when_asked = [&] { s.other.unref(); };
      } else {
        s.other.unref();
      }
    };
    test::put(s.pairs[1].far, "x");
    s.loop.run();  // as a wait that would never end throws
    BOOST_TEST(s.loop.size() == 2u);
    BOOST_TEST(!s.waited());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(timers_keep_run_going_for_an_unref_channel, Place, test::matrix) {
  scene<Place> s;
  s.one.unref();
  s.other.unref();
  s.one.call_later(2h, [&] { s.one.received += "timer"; });
  s.one.call_every(1s, [] {}).unref();
  s.loop.run();
  BOOST_TEST(s.one.received == "timer");
}

// Told, not waited for, and closed at the end.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_drain_closes_unref_channels, Place, test::matrix) {
  scene<Place> s;
  s.one.unref();
  s.one.closes_at_drain = s.other.closes_at_drain = false;
  s.other.call_later(1h, [&] { s.other.close(); });
  s.loop.drain(10h);
  s.loop.run();
  BOOST_CHECK(clock::passed() == 1h);
  BOOST_TEST(s.loop.empty());
  BOOST_TEST(!s.one.registered());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_goes_on_while_work_is_out, Place, test::matrix) {
  scene<Place> s;
  s.loop.close_all();
  auto guard = s.loop.keep_running();
  BOOST_TEST(!!guard);
  asyncore::work_guard<loop_of<Place>> moved(std::move(guard)), none;
  BOOST_TEST(!guard);
  BOOST_TEST(!none);
  none.release();
  s.run();
  BOOST_TEST(s.waited());
  const auto begin = clock::now();
  s.loop.call_later(1min, [&] { moved = {}; }).unref();
  s.loop.run();
  BOOST_CHECK(clock::now() - begin == 1min);
  // The last of several.
  none = s.loop.keep_running();
  moved = std::move(none);
  moved = s.loop.keep_running();
  std::optional<asyncore::work_guard<loop_of<Place>>> second = s.loop.keep_running();
  s.loop.call_later(1min, [&] { moved.release(); }).unref();
  s.loop.call_later(2min, [&] { second.reset(); }).unref();
  s.loop.run();
  BOOST_CHECK(clock::now() - begin == 3min);
  s.loop.run();
  BOOST_CHECK(clock::now() - begin == 3min);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_ends_it_all_the_same, Place, test::matrix) {
  scene<Place> s;
  s.loop.close_all();
  const auto guard = s.loop.keep_running();
  s.loop.call_later(1min, [&] { s.loop.stop(); });
  s.loop.run();
  BOOST_CHECK(clock::passed() == 1min);
}

// Released by a predicate, behind the last look.
BOOST_AUTO_TEST_CASE_TEMPLATE(run_ends_when_the_work_is_done, Place, test::matrix) {
  scene<Place> s;
  auto guard = s.loop.keep_running();
  s.one.unref();
  s.other.unref();
  s.one.act = [&] { s.one.when_asked = [&] { guard.release(); }; };
  test::put(s.pairs[0].far, "x");
  s.loop.run();
  BOOST_TEST(!guard);
  BOOST_TEST(!s.waited());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_drain_waits_for_work_until_its_end, Place, test::matrix) {
  scene<Place> s;
  auto guard = s.loop.keep_running();
  s.loop.drain(1h);
  s.loop.run();
  BOOST_CHECK(clock::passed() == 1h);
  s.loop.drain(1h);
  s.loop.call_later(1min, [&] { guard.release(); });
  s.loop.run();
  BOOST_CHECK(clock::passed() == 1h + 1min);
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE(a_guard_that_outlives_its_loop_aborts, *boost::unit_test::label("native")) {
  const test::child_end end = test::in_child([] {
    auto loop = std::make_unique<asyncore::default_loop>();
    const auto guard = loop->keep_running();
    loop.reset();
    return 0;
  });
  BOOST_TEST(end.signal == SIGABRT);
  BOOST_TEST(test::contains(end.text, "a work_guard outlives its loop"), end.text);
  // One that the loop itself holds does not.
  asyncore::default_loop loop;
  loop.call_later(1h, [guard = loop.keep_running()] {});
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

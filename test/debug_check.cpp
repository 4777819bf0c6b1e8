// SPDX-License-Identifier: BSL-1.0
// The check of a debug build: an answer that changed without rearm().
#undef ASYNCORE_DEBUG
#define ASYNCORE_DEBUG 1
#include <asyncore.hpp>

#include "support/child.hpp"
#include "support/descriptors.hpp"
#include "support/matrix.hpp"
#include "support/outcome.hpp"
#include "support/turns.hpp"

#include <boost/test/unit_test.hpp>

namespace {

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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

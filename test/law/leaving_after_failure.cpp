// SPDX-License-Identifier: BSL-1.0
// What the simulated kernel has found, on the kernel itself.
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

namespace {

using namespace std::chrono_literals;
using test::matrix;

template <class Place>
struct answering;
template <class Place>
struct leaving;
template <class Place>
struct chatting;
template <class Place>
using loop_of =
    typename Place::template loop<answering<Place>, leaving<Place>, chatting<Place>>;

/// Stays to say farewell when its peer has sent all.
template <class Place>
struct answering : asyncore::dispatcher_with_send<answering<Place>, loop_of<Place>> {
  using answering::dispatcher_with_send::dispatcher_with_send;
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool writable() const { return this->closing(); }
  void handle_data(std::span<const std::byte>) {}
  void handle_close() { this->send("farewell"); }
  void handle_write() {
    if (this->queued() == 0) this->close();
  }
};

/// Closes when it is asked.
template <class Place>
struct leaving : asyncore::channel<leaving<Place>, loop_of<Place>> {
  using leaving::channel::channel;
  bool readable() {
    if (leaves) this->close();
    return true;
  }
  void handle_read() {}
  bool leaves = false;
};

/// Does not read from a peer that does not read its answers.
template <class Place>
struct chatting : asyncore::async_chat<chatting<Place>, loop_of<Place>> {
  using chatting::async_chat::async_chat;
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return this->queued() < 1000; }
  void collect_incoming_data(std::span<const std::byte> data) { text += asyncore::as_text(data); }
  void found_terminator() {}
  void handle_close() {
    ++closes;
    this->close();
  }
  std::string text;
  int closes = 0;
};

BOOST_FIXTURE_TEST_SUITE(found_by_simulation, test::world)

// Nothing is asked for any more and no hook follows: it would stay for ever.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_stays_to_send_the_rest_closes_when_that_fails, Place, matrix) {
  loop_of<Place> loop;
  for (const bool listens : {true, false}) {
    test::ends pair = test::socket_pair();
    loop.template emplace<answering<Place>>(asyncore::socket(std::move(pair.near)));
    if (listens) {
      test::shut(pair.far.get(), SHUT_WR);
    } else {
      pair.far.reset();
    }
    BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
    if (listens) BOOST_TEST(test::take(pair.far) == "farewell");
  }
}

// What waits behind a producer cannot be sent any more either, and must not keep it from reading.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_cannot_be_sent_does_not_wait, Place, matrix) {
  loop_of<Place> loop;
  test::ends pair = test::socket_pair();
  chatting<Place> one(loop, asyncore::socket(std::move(pair.near)));
  one.push_with_producer(asyncore::simple_producer(std::string(8'000'000, 'x'), 100'000));
  one.push(std::string(2000, 'y'));
  test::turn(loop, 5);
  test::put(pair.far, "the tail");
  test::turn(loop, 5);
  BOOST_TEST(one.text == "");
  pair.far.reset();
  BOOST_TEST(test::turn_until(loop, [&] { return one.closes == 1; }));
  BOOST_TEST(one.text == "the tail");
  BOOST_TEST(one.queued() == 0u);
}

// A loop that has become empty on its way to the wait does not wait: nothing could end that.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_last_one_may_close_before_the_wait, Place, matrix) {
  using place = test::counted<Place>;
  test::poller_counts counts;
  loop_of<place> loop(counts);
  const test::ends pair = test::socket_pair();
  leaving<place> one(loop, pair.near.get());
  loop.poll();
  one.leaves = true;
  loop.run({.timeout = 20ms});
  BOOST_TEST(loop.empty());
  BOOST_TEST((counts.timeouts.back() <= 0ns));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

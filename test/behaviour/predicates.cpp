// SPDX-License-Identifier: BSL-1.0
// readable and writable: constant, asked every turn, asked on rearm.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <functional>
#include <stdexcept>

namespace {

template <class Place>
struct always;
template <class Place>
struct never;
template <class Place>
struct asked;
template <class Place>
struct rearmed;
template <class Place>
struct writer;
template <class Place>
struct turning;
template <class Place>
using loop_of = typename Place::template loop<always<Place>, never<Place>, asked<Place>,
                                              rearmed<Place>, writer<Place>, turning<Place>>;

template <class Place>
struct always : asyncore::channel<always<Place>, loop_of<Place>> {
  using asyncore::channel<always<Place>, loop_of<Place>>::channel;
  static constexpr bool readable = true;
  static constexpr bool writable = true;
  void handle_read() { ++reads; }
  void handle_write() { ++writes; }
  int reads = 0, writes = 0;
};

template <class Place>
struct never : asyncore::channel<never<Place>, loop_of<Place>> {
  using asyncore::channel<never<Place>, loop_of<Place>>::channel;
  static constexpr bool readable = false;
  static constexpr bool writable = false;
  void handle_read() { ++reads; }
  void handle_write() { ++writes; }
  int reads = 0, writes = 0;
};

/// What the two kinds that are asked at run time have in common.
template <class Derived, class Place>
struct asking : asyncore::channel<Derived, loop_of<Place>> {
  asking(loop_of<Place>& loop, int fd, const bool& answer)
      : asyncore::channel<Derived, loop_of<Place>>(loop, fd), answers(answer) {}
  bool readable() {
    ++asks;
    if (on_ask) on_ask();
    return answers;
  }
  void handle_read() {
    ++reads;
    if (on_read) on_read();
  }
  void handle_error() { ++errors; }
  const bool& answers;  // of another object
  std::function<void()> on_ask, on_read;
  int asks = 0, reads = 0, errors = 0;
};

template <class Place>
struct asked : asking<asked<Place>, Place> {
  using asking<asked<Place>, Place>::asking;
};

template <class Place>
struct rearmed : asking<rearmed<Place>, Place> {
  using asking<rearmed<Place>, Place>::asking;
  static constexpr auto predicates = asyncore::ask_on_rearm;
};

/// One predicate is constant, the other one is asked.
template <class Place>
struct writer : asyncore::channel<writer<Place>, loop_of<Place>> {
  using asyncore::channel<writer<Place>, loop_of<Place>>::channel;
  static constexpr bool readable = false;
  bool writable() const { return writes < 3; }
  void handle_read() { ++reads; }
  void handle_write() { ++writes; }
  int reads = 0, writes = 0;
};

/// Writes once, then reads: nothing but its own hook says so.
template <class Place>
struct turning : asyncore::channel<turning<Place>, loop_of<Place>> {
  using asyncore::channel<turning<Place>, loop_of<Place>>::channel;
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return written; }
  bool writable() const { return !written; }
  void handle_read() { ++reads; }
  void handle_write() { written = true; }
  bool written = false;
  int reads = 0;
};

struct ready_pair : test::ends {
  ready_pair() : ends(test::socket_pair()) { test::put(far, "x"); }
};

/// A debug build asks more, to check the answers.
constexpr bool checked_each_turn = ASYNCORE_DEBUG != 0;

BOOST_FIXTURE_TEST_SUITE(predicates, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(constants_are_obeyed, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pair first, second;
  always<Place> yes(loop, first.near.get());
  never<Place> no(loop, second.near.get());
  test::turn(loop, 5);
  BOOST_TEST(yes.reads == 5);
  BOOST_TEST(yes.writes == 5);
  BOOST_TEST(no.reads == 0);
  BOOST_TEST(no.writes == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_may_be_constant_and_one_asked, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pair pair;
  writer<Place> channel(loop, pair.near.get());
  test::turn(loop, 5);
  BOOST_TEST(channel.writes == 3);
  BOOST_TEST(channel.reads == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(functions_are_asked_every_turn, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pair pair;
  bool answer = false;
  asked<Place> channel(loop, pair.near.get(), answer);
  test::turn(loop, 4);
  BOOST_TEST(channel.asks == 4);
  BOOST_TEST(channel.reads == 0);
  answer = true;  // nobody tells the loop
  test::turn(loop, 4);
  BOOST_TEST(channel.reads == 4);
  answer = false;
  test::turn(loop, 4);
  BOOST_TEST(channel.reads == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_rearm_an_answer_is_not_asked_for, Place, test::matrix) {
  if (checked_each_turn) return;  // it would abort
  loop_of<Place> loop;
  ready_pair pair;
  bool answer = false;
  rearmed<Place> channel(loop, pair.near.get(), answer);
  test::turn(loop, 4);
  BOOST_TEST(channel.asks == 1);
  answer = true;
  test::turn(loop, 4);
  BOOST_TEST(channel.asks == 1);
  BOOST_TEST(channel.reads == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(rearm_has_it_asked_before_the_next_wait, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pair pair;
  bool answer = false;
  rearmed<Place> channel(loop, pair.near.get(), answer);
  test::turn(loop);
  answer = true;
  channel.rearm();
  channel.rearm();
  test::turn(loop);
  BOOST_TEST(channel.reads == 1);
  answer = false;
  channel.rearm();
  test::turn(loop, 3);
  BOOST_TEST(channel.reads == 1);
  channel.close();
  channel.rearm();  // of no loop: nothing
  test::turn(loop);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(own_hooks_have_it_asked, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pair pair;
  bool answer = true;
  rearmed<Place> channel(loop, pair.near.get(), answer);
  channel.on_read = [&] { answer = channel.reads < 3; };
  test::turn(loop, 10);
  BOOST_TEST(channel.reads == 3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_hook_may_turn_the_answers_round, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pair pair;
  turning<Place> channel(loop, pair.near.get());
  test::turn(loop);
  BOOST_TEST(channel.written);
  test::turn(loop, 2);
  BOOST_TEST(channel.reads == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(idle_channels_are_not_asked, Place, test::matrix) {
  loop_of<Place> loop;
  bool answer = true;
  std::deque<test::ends> quiet;
  std::deque<rearmed<Place>> idle;
  for (int i = 0; i < 20; ++i) {
    quiet.push_back(test::pipe_to_near());
    idle.emplace_back(loop, quiet.back().near.get(), answer);
  }
  ready_pair pair;
  rearmed<Place> active(loop, pair.near.get(), answer);
  test::turn(loop, 50);
  BOOST_TEST(active.reads == 50);
  int asks = 0;
  for (auto& channel : idle) asks += channel.asks;
  BOOST_TEST(asks == (checked_each_turn ? 20 * 51 : 20));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_pause_counts_in_the_same_turn, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pair pairs[4];
  bool answer = true;
  asked<Place> a(loop, pairs[0].near.get(), answer), b(loop, pairs[1].near.get(), answer);
  rearmed<Place> c(loop, pairs[2].near.get(), answer), d(loop, pairs[3].near.get(), answer);
  int reads = 0;
  a.on_read = b.on_read = c.on_read = d.on_read = [&] {
    ++reads;
    answer = false;
    c.rearm();
    d.rearm();
  };
  test::turn(loop, 3);
  BOOST_TEST(reads == 1);  // whoever came first paused the others
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_reaches_handle_error, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pair first, second, third;
  const bool answer = true;
  asked<Place> one(loop, first.near.get(), answer);
  rearmed<Place> two(loop, second.near.get(), answer);
  always<Place> other(loop, third.near.get());
  bool fails = true;
  one.on_ask = two.on_ask = [&] {
    if (fails) throw std::runtime_error("cannot say");
  };
  test::turn(loop);
  BOOST_TEST(one.errors == 1);
  BOOST_TEST(two.errors == 1);
  BOOST_TEST(other.reads == 1);
  fails = false;
  two.rearm();
  test::turn(loop);
  BOOST_TEST(one.reads == 1);
  BOOST_TEST(two.reads == 1);
}

// What is thrown between two visits must not lose what is still to be visited.
BOOST_AUTO_TEST_CASE_TEMPLATE(exit_now_loses_nobody, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pair pairs[6];
  const bool answer = true;
  std::deque<asked<Place>> every_turn;
  std::deque<rearmed<Place>> on_rearm;
  bool exits = false;
  const auto maybe_exit = [&] {
    if (std::exchange(exits, false)) throw asyncore::exit_now();
  };
  for (int i = 0; i < 3; ++i) {
    every_turn.emplace_back(loop, pairs[i].near.get(), answer).on_ask = maybe_exit;
    on_rearm.emplace_back(loop, pairs[3 + i].near.get(), answer).on_ask = maybe_exit;
  }
  exits = true;
  BOOST_CHECK_THROW(loop.poll(), asyncore::exit_now);
  for (auto& channel : every_turn) channel.on_ask = {};
  exits = true;
  BOOST_CHECK_THROW(loop.poll(), asyncore::exit_now);
  on_rearm[0].rearm();  // the one that threw has not answered
  test::turn(loop, 2);
  for (auto& channel : every_turn) BOOST_TEST(channel.reads == 2);
  for (auto& channel : on_rearm) BOOST_TEST(channel.reads == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(after_exit_now_all_are_asked_again, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pair pairs[3];
  bool answer = false;
  std::deque<asked<Place>> channels;
  for (ready_pair& pair : pairs) channels.emplace_back(loop, pair.near.get(), answer);
  channels[1].on_ask = [] { throw asyncore::exit_now(); };
  BOOST_CHECK_THROW(loop.poll(), asyncore::exit_now);
  channels[1].on_ask = {};
  answer = true;
  test::turn(loop);
  for (auto& channel : channels) BOOST_TEST(channel.reads == 1);
}

/// Sends what it is told to another one's peer; asked every turn.
template <class Place>
struct asked_sender;
template <class Place>
using asked_loop = typename Place::template loop<asked_sender<Place>>;
template <class Place>
struct asked_sender : asyncore::dispatcher_with_send<asked_sender<Place>, asked_loop<Place>> {
  asked_sender(asked_loop<Place>& loop, test::unique_fd fd)
      : asyncore::dispatcher_with_send<asked_sender<Place>, asked_loop<Place>>(
            loop, asyncore::socket(std::move(fd))) {}
  bool readable() const { return true; }
  void handle_data(std::span<const std::byte> data) {
    if (other != nullptr) other->send(data);
  }
  asked_sender* other = nullptr;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_is_asked_may_send_in_anothers_hook, Place, test::matrix) {
  asked_loop<Place> loop;
  test::ends asked = test::socket_pair(), told = test::socket_pair();
  asked_sender<Place> one(loop, std::move(asked.near)), two(loop, std::move(told.near));
  one.other = &two;
  for (const bool by_run : {false, true}) {
    test::put(asked.far, "from one");
    if (by_run) {
      loop.run({.timeout = {}, .count = 1});
    } else {
      test::turn(loop);
    }
    BOOST_TEST(test::take(told.far) == "from one");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

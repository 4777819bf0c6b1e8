// SPDX-License-Identifier: BSL-1.0
#include <asyncore/time/time_wheel.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <limits>
#include <list>
#include <random>
#include <vector>

namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

struct context {};
struct item : asyncore::timed<context> {
  explicit item(int n = 0) : timed([](timed&, context*) {}), number(n) {}
  int number;
};

struct wheel : asyncore::time_wheel<context> {
  std::vector<int> taken(nanoseconds now) {
    std::vector<int> numbers;
    take(now, [&](node& n) { numbers.push_back(static_cast<item&>(n).number); });
    return numbers;
  }
};

std::vector<int> numbers(std::initializer_list<int> all) { return all; }

constexpr nanoseconds last = nanoseconds::max();

}  // namespace

BOOST_AUTO_TEST_SUITE(time_wheel)

BOOST_AUTO_TEST_CASE(gives_what_is_due_in_order) {
  wheel w;
  item a(1), b(2), c(3), d(4);
  w.add(a, 30ns, 0ns);
  w.add(b, 10ns, 0ns);
  w.add(c, 30ns, 0ns);
  w.add(d, 20ns, 0ns);
  BOOST_CHECK(w.next() == 10ns);
  BOOST_TEST(w.taken(9ns) == numbers({}));
  BOOST_TEST(w.taken(29ns) == numbers({2, 4}));
  BOOST_CHECK(w.next() == 30ns);
  BOOST_TEST(w.taken(30ns) == numbers({1, 3}));
  BOOST_TEST(w.empty());
  BOOST_CHECK(w.next() == last);
}

BOOST_AUTO_TEST_CASE(the_ends_of_time) {
  wheel w;
  item zero(1), end(2), before_end(3), past(4);
  w.add(end, last, 0ns);
  w.add(zero, 0ns, 0ns);
  w.add(before_end, last - 1ns, 0ns);
  w.add(past, -5ns, 0ns);
  BOOST_TEST(w.taken(0ns) == numbers({1, 4}));
  BOOST_CHECK(w.next() == last - 1ns);
  BOOST_TEST(w.taken(last - 2ns) == numbers({}));
  BOOST_TEST(w.taken(last - 1ns) == numbers({3}));
  BOOST_TEST(w.taken(last) == numbers({2}));
}

BOOST_AUTO_TEST_CASE(what_has_been_removed_is_not_given) {
  wheel w;
  item a(1), b(2), c(3);
  w.add(a, 1h, 0ns);
  w.add(b, 2h, 0ns);
  w.add(c, 2h, 0ns);
  w.remove(a);
  w.remove(b);
  BOOST_CHECK(w.next() <= 2h);
  BOOST_TEST(w.taken(2h) == numbers({3}));
  w.add(a, 5ns, 2h);  // before the present
  BOOST_TEST(w.taken(2h) == numbers({1}));
}

// Of what was due before it was added, the first is given first.
BOOST_AUTO_TEST_CASE(the_past_counts_as_the_present) {
  wheel w;
  item later(1), a(2), b(3);
  w.add(later, 3h, 2h);
  w.add(a, 1h, 2h);
  w.add(b, 30min, 2h);
  BOOST_CHECK(w.next() == 2h);
  BOOST_TEST(w.taken(2h) == numbers({2, 3}));
  BOOST_CHECK(b.when == 2h);
}

// What is given may add and remove.
BOOST_AUTO_TEST_CASE(changes_while_it_gives) {
  wheel w;
  item a(1), b(2), c(3);
  w.add(a, 10ns, 0ns);
  w.add(b, 10ns, 0ns);
  std::vector<int> given;
  w.take(10ns, [&](wheel::node& n) {
    given.push_back(static_cast<item&>(n).number);
    if (&n == &a) w.remove(b);
    if (&n == &a) w.add(c, 10ns, 10ns);
  });
  BOOST_TEST(given == numbers({1, 3}));
  BOOST_TEST(w.empty());
}

// Beside a list that is sorted stably: adding, removing and taking at random, in steps of every
// size.
BOOST_AUTO_TEST_CASE(agrees_with_a_sorted_list) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 60; ++round) {
    wheel w;
    std::deque<item> items;
    std::list<item*> expected;
    nanoseconds now(static_cast<std::int64_t>(random() >> (random() % 60 + 3)));
    for (int step = 0; step < 400; ++step) {
      switch (random() % 8) {
        default: {
          item& added = items.emplace_back(static_cast<int>(items.size()));
          const auto ahead = static_cast<std::int64_t>(random() >> (random() % 50 + 14));
          const nanoseconds when = now + nanoseconds(ahead);
          w.add(added, when, now);
          const auto after = std::find_if(expected.begin(), expected.end(),
                                          [&](item* i) { return i->when > when; });
          expected.insert(after, &added);
          break;
        }
        case 1: {
          if (expected.empty()) break;
          auto chosen = expected.begin();
          std::advance(chosen, static_cast<std::ptrdiff_t>(random() % expected.size()));
          w.remove(**chosen);
          expected.erase(chosen);
          break;
        }
        case 2: {
          if (random() % 2 == 0 && !expected.empty()) {
            now = std::max(now, (*expected.begin())->when);
          } else {
            now += nanoseconds(static_cast<std::int64_t>(random() >> (random() % 50 + 14)));
          }
          std::vector<int> due;
          while (!expected.empty() && expected.front()->when <= now) {
            due.push_back(expected.front()->number);
            expected.pop_front();
          }
          BOOST_TEST_REQUIRE(w.taken(now) == due);
          break;
        }
      }
      const nanoseconds first = expected.empty() ? last : expected.front()->when;
      BOOST_REQUIRE(w.next() <= first);
      BOOST_REQUIRE(w.empty() == expected.empty());
    }
    w.take_all([](wheel::node&) {});
    BOOST_TEST(w.empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

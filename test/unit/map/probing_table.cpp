// SPDX-License-Identifier: BSL-1.0
#include <asyncore/map/probing_table.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace {

using asyncore::token;
struct record {};
using table = asyncore::detail::probing_table<record>;

// The order in which the table stands: by it a test finds out which descriptors share a home.
std::vector<int> order_of(const std::vector<int>& fds, std::size_t capacity) {
  table t(capacity);
  record r;
  for (const int fd : fds) t.insert({fd, 1}, r);
  std::vector<int> order;
  t.for_each([&](record&, token id) { order.push_back(id.fd); });
  return order;
}

// In a table for two: of two that share a home, the first to come stands first, except across the
// end of the table, where the second wraps around and stands before the first.
bool share_home(int a, int b) { return order_of({a, b}, 1) != order_of({b, a}, 1); }
bool wrap_around(int a, int b) {
  return share_home(a, b) && order_of({a, b}, 1) == std::vector<int>{b, a};
}

BOOST_AUTO_TEST_SUITE(probing_table)

BOOST_AUTO_TEST_CASE(has_the_room_asked_for) {
  for (std::size_t n = 1; n < 200; ++n) BOOST_TEST(table(n).capacity() >= n);
}

BOOST_AUTO_TEST_CASE(finds_what_collides) {
  record first, second;
  int collisions = 0, wraps = 0;
  for (int a = 0; a < 40; ++a) {
    for (int b = 0; b < 40; ++b) {
      if (a == b || !share_home(a, b)) continue;
      ++collisions;
      if (wrap_around(a, b)) ++wraps;
      for (const bool first_goes : {false, true}) {
        table t(1);
        t.insert({a, 1}, first);
        BOOST_REQUIRE(t.find({b, 2}) == nullptr);
        BOOST_REQUIRE(!t.holds(b));
        t.insert({b, 2}, second);
        BOOST_REQUIRE(t.find({a, 1}) == &first);
        BOOST_REQUIRE(t.find({b, 2}) == &second);
        BOOST_REQUIRE(t.find({b, 1}) == nullptr);
        t.erase(first_goes ? token{a, 1} : token{b, 2});
        BOOST_REQUIRE(t.find({a, 1}) == (first_goes ? nullptr : &first));
        BOOST_REQUIRE(t.find({b, 2}) == (first_goes ? &second : nullptr));
        BOOST_REQUIRE_EQUAL(t.holds(a), !first_goes);
        BOOST_REQUIRE_EQUAL(t.holds(b), first_goes);
      }
    }
  }
  BOOST_TEST(collisions > 0);
  BOOST_TEST(wraps > 0);
}

// In the smallest tables nearly everything collides and wraps around.
BOOST_AUTO_TEST_CASE(agrees_with_a_map, *boost::unit_test::label("native")) {
  for (const std::size_t capacity : {1u, 2u, 3u, 5u, 20u}) {
    for (unsigned seed = 0; seed < 10; ++seed) {
      std::mt19937 random(seed);
      table t(capacity);
      std::map<int, std::pair<std::uint32_t, record*>> model;
      std::vector<record> records(64);
      for (std::uint32_t step = 1; step < 1'500; ++step) {
        const int fd = static_cast<int>(random() % 64);
        const auto at = model.find(fd);
        if (at != model.end()) {
          t.erase({fd, at->second.first});
          model.erase(at);
        } else if (model.size() < t.capacity()) {
          record& r = records[static_cast<std::size_t>(fd)];
          t.insert({fd, step}, r);
          model[fd] = {step, &r};
        } else if (random() % 64 == 0 && t.capacity() < 64) {
          t.grow();
        }
        bool agrees = t.size() == model.size();
        for (int any = 0; any < 64; ++any) {
          const auto entry = model.find(any);
          if (entry == model.end()) {
            agrees = agrees && !t.holds(any) && t.find({any, step}) == nullptr;
          } else {
            const auto& [generation, channel] = entry->second;
            agrees = agrees && t.holds(any) && t.find({any, generation}) == channel &&
                     t.find({any, generation + 1}) == nullptr;
          }
        }
        BOOST_REQUIRE(agrees);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(keeps_all_when_it_grows) {
  table t(1);
  std::vector<record> records(500);
  for (int i = 0; i < 500; ++i) {
    if (t.size() == t.capacity()) t.grow();
    t.insert({i * 31, static_cast<std::uint32_t>(i + 1)}, records[static_cast<std::size_t>(i)]);
  }
  BOOST_TEST(t.size() == 500u);
  BOOST_TEST(t.capacity() >= 500u);
  for (int i = 0; i < 500; ++i)
    BOOST_REQUIRE(t.find({i * 31, static_cast<std::uint32_t>(i + 1)}) ==
                  &records[static_cast<std::size_t>(i)]);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
#include <asyncore/chat/pending_output.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using asyncore::block_pool;
using asyncore::out_queue;
using asyncore::pending_output;
using asyncore::simple_producer;
using namespace std::chrono_literals;
using enum asyncore::pending_output::refilled;

// Counts the producers there are.
struct counted {
  explicit counted(int& number) : alive(&number) { ++*alive; }
  counted(const counted& other) : counted(*other.alive) {}
  counted& operator=(const counted&) = delete;
  ~counted() { --*alive; }
  int* alive;
};

// Gives what a function says.
struct scripted {
  std::string more() { return next(); }
  std::function<std::string()> next;
  counted count;
};

struct output {
  ~output() { clear(); }

  void clear() {
    if (list) list->clear(pool);
    queue.clear(pool);
  }
  pending_output::refilled refill() { return list->refill(queue, pool); }
  void push(std::string_view bytes) { list->push_bytes(bytes, pool); }
  void produce(std::function<std::string()> next) {
    list->push_producer(scripted{std::move(next), counted(alive)});
  }
  std::string take() {
    std::string all;
    std::array<iovec, out_queue::most_pieces> pieces;
    while (!queue.empty()) {
      queue.pieces(pieces);
      all.append(static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len);
      queue.consume(pieces[0].iov_len, pool);
    }
    return all;
  }
  // All that comes, refill by refill.
  std::vector<std::string> drain() {
    std::vector<std::string> all;
    while (refill() == bytes) all.push_back(take());
    return all;
  }

  block_pool pool;
  out_queue queue;
  std::optional<pending_output> list{std::in_place};
  int alive = 0;  // producers
};

using strings = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(pending_outputs)

BOOST_AUTO_TEST_CASE(are_empty_at_first) {
  output o;
  BOOST_TEST(o.list->empty());
  BOOST_TEST(!o.list->ends());
  BOOST_TEST(o.list->size() == 0u);
  BOOST_TEST(o.list->producers() == 0u);
  BOOST_TEST((o.refill() == nothing));
}

BOOST_AUTO_TEST_CASE(keep_the_order) {
  output o;
  o.list->push_producer(simple_producer("abcd", 2));
  o.push("ef");
  o.push("gh");
  o.list->push_producer(simple_producer("ij", 9));
  o.list->push_producer(simple_producer("k"));
  o.push("l");
  BOOST_TEST(o.list->size() == 5u);
  BOOST_TEST(o.list->producers() == 3u);
  BOOST_TEST(o.drain() == strings({"ab", "cd", "efgh", "ij", "k", "l"}));
  BOOST_TEST(o.list->empty());
  BOOST_TEST(o.list->size() == 0u);
  BOOST_TEST(o.list->producers() == 0u);
}

BOOST_AUTO_TEST_CASE(agree_with_a_list) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    output o;
    std::string model, all;
    for (int step = 0; step < 100; ++step) {
      const std::string some(random() % 3 == 0 ? random() % 9'000 : random() % 20,
                             static_cast<char>('a' + step % 26));
      switch (random() % 4) {
        case 0: o.push(some); break;
        case 1: o.list->push_producer(simple_producer(some, random() % 2'000)); break;
        default:
          if (o.refill() == bytes) all += o.take();
          continue;
      }
      model += some;
    }
    for (const auto& rest : o.drain()) all += rest;
    BOOST_TEST_INFO("seed " << seed);
    BOOST_REQUIRE(all == model);
    BOOST_REQUIRE_EQUAL(o.list->size(), 0u);
  }
}

BOOST_AUTO_TEST_CASE(ask_no_more_at_the_end_of_a_producer) {
  output o;
  int asked = 0;
  o.produce([&] { return ++asked == 2 ? "" : "x"; });
  o.produce([] { return ""; });
  o.push("y");
  BOOST_TEST(o.alive == 2);
  BOOST_TEST(o.drain() == strings({"x", "y"}));
  BOOST_TEST(asked == 2);
  BOOST_TEST(o.alive == 0);
}

// Not before the connection takes more: asked once for each time that the queue is empty.
BOOST_AUTO_TEST_CASE(ask_once_a_refill) {
  output o;
  int asked = 0;
  o.produce([&] { return ++asked, "x"; });
  BOOST_TEST(asked == 0);
  for (int i = 1; i <= 5; ++i) {
    BOOST_TEST((o.refill() == bytes));
    BOOST_TEST(asked == i);
    BOOST_TEST(o.take() == "x");
  }
}

struct gives_vector {
  std::vector<unsigned char> more() { return std::exchange(left, {}); }
  std::vector<unsigned char> left;
};
struct gives_span {
  std::span<const std::byte> more() {
    return given++ == 0 ? std::as_bytes(std::span(array)) : std::span<const std::byte>();
  }
  std::array<char, 3> array{'a', 'b', 'c'};
  int given = 0;
};
struct gives_literal {
  const char* more() { return given++ == 0 ? "literal" : ""; }
  int given = 0;
};
struct gives_reference {
  const std::string& more() {
    if (given++ > 0) text.clear();
    return text;
  }
  std::string text = "reference";
  int given = 0;
};

BOOST_AUTO_TEST_CASE(take_any_bytes) {
  output o;
  o.list->push_producer(gives_vector{{'x', 0, 'y'}});
  o.list->push_producer(gives_span());
  o.list->push_producer(gives_literal());
  o.list->push_producer(gives_reference());
  o.produce([done = false]() mutable {  // longer than a string keeps in itself
    return std::exchange(done, true) ? "" : std::string(5'000, 'v');
  });
  BOOST_TEST(o.drain() ==
             strings({std::string("x\0y", 3), "abc", "literal", "reference", std::string(5'000, 'v')}));
}

BOOST_AUTO_TEST_CASE(take_pointers_to_producers) {
  output o;
  simple_producer users("users");
  o.list->push_producer(std::make_unique<simple_producer>("unique"));
  o.list->push_producer(std::make_shared<simple_producer>("shared"));
  o.list->push_producer(&users);
  o.list->push_producer(std::unique_ptr<simple_producer>());  // gives nothing
  o.list->push_producer(std::optional<simple_producer>());
  o.push("behind");
  BOOST_TEST(o.drain() == strings({"unique", "shared", "users", "behind"}));
  BOOST_TEST(users.more().empty());
}

BOOST_AUTO_TEST_CASE(copy_a_producer_that_has_a_name) {
  output o;
  const simple_producer named("named");
  o.list->push_producer(named);
  o.list->push_producer(named);
  BOOST_TEST(o.drain() == strings({"named", "named"}));
}

BOOST_AUTO_TEST_CASE(drop_everything) {
  output o;
  o.produce([] { return "x"; });
  o.push("y");
  o.produce([] { return "z"; });
  o.list->push_end(0ns);
  o.list->clear(o.pool);
  BOOST_TEST(o.alive == 0);
  BOOST_TEST(o.list->empty());
  BOOST_TEST(!o.list->ends());
  BOOST_TEST(o.list->size() == 0u);
  BOOST_TEST(o.list->producers() == 0u);
  o.push("again");
  BOOST_TEST(o.drain() == strings({"again"}));
}

BOOST_AUTO_TEST_CASE(take_the_end_back_once) {
  output o;
  BOOST_TEST(!o.list->take_end());
  o.list->push_end(0ns);
  BOOST_TEST(o.list->ends());
  BOOST_TEST(o.list->take_end());
  BOOST_TEST(!o.list->take_end());
}

BOOST_AUTO_TEST_CASE(keep_the_linger_time_of_the_first_end) {
  output o;
  o.list->push_end(1ns);
  o.list->push_end(5s);
  BOOST_TEST((o.list->linger() == 1ms));
  for (const auto& [given, kept] : {std::pair{-1ns, 0ms}, {0ns, 0ms}, {1000001ns, 2ms},
                                    {std::chrono::nanoseconds::max(), 4294967295ms}}) {
    BOOST_TEST(o.list->take_end());
    o.list->push_end(given);
    BOOST_TEST((o.list->linger() == kept));
  }
}

// What a producer does to the list while it is asked.

BOOST_AUTO_TEST_CASE(may_be_pushed_to_by_a_producer) {
  output o;
  int asked = 0;
  o.produce([&]() -> std::string {
    if (++asked > 2) return "";
    o.push("behind");
    o.produce([] { return ""; });
    return "first";
  });
  BOOST_TEST(o.drain() == strings({"first", "first", "behind", "behind"}));
  BOOST_TEST(o.alive == 0);
}

BOOST_AUTO_TEST_CASE(may_be_cleared_by_a_producer) {
  for (const char* const given : {"lost", ""}) {
    output o;
    o.produce([&] {
      o.list->clear(o.pool);
      BOOST_TEST(o.alive == 1);  // it lives until it returns
      return given;
    });
    o.produce([] { return "never"; });
    o.push("never");
    BOOST_TEST((o.refill() == not_now));
    BOOST_TEST(o.alive == 0);
    BOOST_TEST(o.queue.empty());
    o.push("later");
    BOOST_TEST(o.drain() == strings({"later"}));
  }
}

BOOST_AUTO_TEST_CASE(may_be_cleared_and_pushed_to_by_a_producer) {
  output o;
  o.produce([&] {
    o.list->clear(o.pool);
    o.push("new");
    o.list->clear(o.pool);
    o.push("newer");
    return "lost";
  });
  BOOST_TEST((o.refill() == not_now));
  BOOST_TEST(o.drain() == strings({"newer"}));
}

BOOST_AUTO_TEST_CASE(may_be_destroyed_by_a_producer) {
  output o;
  o.produce([&] {
    o.list->clear(o.pool);
    o.list.reset();
    return "lost";
  });
  BOOST_TEST((o.refill() == not_now));
  BOOST_TEST(o.alive == 0);
}

BOOST_AUTO_TEST_CASE(are_not_asked_twice_at_once) {
  output o;
  int asked = 0;
  o.produce([&] {
    BOOST_TEST((o.refill() == not_now));
    return ++asked == 1 ? "x" : "";
  });
  BOOST_TEST(o.drain() == strings({"x"}));
  BOOST_TEST(asked == 2);
}

#if ASYNCORE_HAS_EXCEPTIONS

struct on_purpose : std::exception {};

BOOST_AUTO_TEST_CASE(let_pass_what_a_producer_throws) {
  output o;
  int asked = 0;
  o.produce([&]() -> std::string {
    switch (++asked) {
      case 1: return "one";
      case 2: throw on_purpose();
      case 3: return "two";
      default: return "";
    }
  });
  o.push("behind");
  BOOST_TEST((o.refill() == bytes));
  BOOST_TEST(o.take() == "one");
  BOOST_CHECK_THROW(o.refill(), on_purpose);
  BOOST_TEST(o.queue.empty());
  BOOST_TEST(o.drain() == strings({"two", "behind"}));  // asked again
}

BOOST_AUTO_TEST_CASE(may_be_cleared_by_a_producer_that_throws) {
  output o;
  o.produce([&]() -> std::string {
    o.list->clear(o.pool);
    throw on_purpose();
  });
  BOOST_CHECK_THROW(o.refill(), on_purpose);
  BOOST_TEST(o.alive == 0);
  BOOST_TEST((o.refill() == nothing));
}

struct cannot_be_copied {
  cannot_be_copied() = default;
  cannot_be_copied(const cannot_be_copied&) { throw on_purpose(); }
  std::string more() { return ""; }
};

BOOST_AUTO_TEST_CASE(are_unchanged_when_a_producer_cannot_be_moved_in) {
  output o;
  const cannot_be_copied one;
  BOOST_CHECK_THROW(o.list->push_producer(one), on_purpose);
  BOOST_TEST(o.list->empty());
  BOOST_TEST(o.list->producers() == 0u);
}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

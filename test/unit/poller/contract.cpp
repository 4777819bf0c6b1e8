// SPDX-License-Identifier: BSL-1.0
// What concept/poller.hpp promises, of every poller.
#include "reports.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <stdexcept>

#include "../../support/signals.hpp"

namespace {

using namespace test;
using namespace std::chrono_literals;
using pollers = all_pollers;

// Pipes that have a byte to be read, watched for reading under generation 1 to `count`.
template <class Poller>
class ready_pipes {
 public:
  ready_pipes(Poller& poller, int count) : poller_(poller) {
    for (int i = 0; i < count; ++i) {
      pipes_.push_back(pipe_to_near());
      put(pipes_.back().far, "x");
      tokens_.push_back({pipes_.back().near.get(), static_cast<std::uint32_t>(i + 1)});
      BOOST_REQUIRE(!poller_.add(tokens_.back(), interest::read));
    }
  }
  const std::vector<token>& tokens() const { return tokens_; }

 private:
  Poller& poller_;
  std::vector<ends> pipes_;
  std::vector<token> tokens_;
};

// Descriptors go before the poller that watches them.
struct careless_world : world {
  careless_world() { kernel::be_careless(); }
};

BOOST_FIXTURE_TEST_SUITE(poller_contract, careless_world)

BOOST_AUTO_TEST_CASE_TEMPLATE(reports_nothing_of_nothing, Poller, pollers) {
  Poller poller;
  BOOST_TEST(wait(poller).empty());
  poller.remove({0, 1});
  BOOST_TEST(wait(poller).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reports_what_is_readable, Poller, pollers) {
  Poller poller;
  const ends pipe = pipe_to_near();
  const token t{pipe.near.get(), 7};
  BOOST_REQUIRE(!poller.add(t, interest::read));
  BOOST_TEST(wait(poller).empty());
  put(pipe.far, "x");
  BOOST_TEST(wait_long(poller) == reports({{t, readiness::read}}));
  // Level-triggered.
  BOOST_TEST(wait_long(poller) == reports({{t, readiness::read}}));
  take(pipe.near);
  BOOST_TEST(wait(poller).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reports_what_is_writable, Poller, pollers) {
  Poller poller;
  const ends pair = socket_pair();
  const token t{pair.near.get(), 7};
  BOOST_REQUIRE(!poller.add(t, interest::write));
  BOOST_TEST(wait_long(poller) == reports({{t, readiness::write}}));
  fill(pair.near);
  BOOST_TEST(wait(poller).empty());
  take(pair.far);
  BOOST_TEST(wait_long(poller) == reports({{t, readiness::write}}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reports_both_in_one, Poller, pollers) {
  Poller poller;
  const ends pair = socket_pair();
  const token t{pair.near.get(), 7};
  BOOST_REQUIRE(!poller.add(t, interest::read | interest::write));
  put(pair.far, "x");
  BOOST_TEST(wait_long(poller) == reports({{t, readiness::read | readiness::write}}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reports_urgent_data, Poller, pollers) {
  Poller poller;
  const ends tcp = tcp_pair();
  const token t{tcp.near.get(), 7};
  BOOST_REQUIRE(!poller.add(t, interest::expt));
  BOOST_TEST(wait(poller).empty());
  put_urgent(tcp.far);
  const reports all = wait_long(poller);
  BOOST_REQUIRE_EQUAL(all.size(), 1u);
  BOOST_TEST(all[0].id == t);
  BOOST_TEST(is(all[0].ready, readiness::expt));
  BOOST_TEST(!is(all[0].ready, readiness::read | readiness::write));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reports_only_what_was_asked_for, Poller, pollers) {
  Poller poller;
  const ends pair = socket_pair();  // readable and writable
  put(pair.far, "x");
  const token t{pair.near.get(), 7};
  BOOST_REQUIRE(!poller.add(t, interest::none));
  BOOST_TEST(wait(poller).empty());
  for (const interest wanted : {interest::read, interest::write, interest::none, interest::read}) {
    BOOST_REQUIRE(!poller.modify(t, wanted));
    const reports all = wait(poller);
    if (wanted == interest::none) {
      BOOST_TEST(all.empty());
    } else {
      BOOST_TEST(all == reports({{t, static_cast<readiness>(wanted)}}));
    }
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reports_the_token_of_the_last_change, Poller, pollers) {
  Poller poller;
  const ends pipe = pipe_to_near();
  put(pipe.far, "x");
  token t{pipe.near.get(), 1};
  BOOST_REQUIRE(!poller.add(t, interest::read));
  t.generation = 2;
  BOOST_REQUIRE(!poller.modify(t, interest::read));
  BOOST_TEST(wait_long(poller) == reports({{t, readiness::read}}));
  poller.remove(t);
  t.generation = 0xffffffff;
  BOOST_REQUIRE(!poller.add(t, interest::read));
  BOOST_TEST(wait_long(poller) == reports({{t, readiness::read}}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(forgets_what_is_removed, Poller, pollers) {
  Poller poller;
  const ready_pipes pipes(poller, 3);
  poller.remove(pipes.tokens()[1]);
  reports all = wait_long(poller);
  BOOST_TEST(all.size() == 2u);
  BOOST_TEST(!has_token(all, pipes.tokens()[1]));
  poller.remove(pipes.tokens()[0]);
  poller.remove(pipes.tokens()[2]);
  BOOST_TEST(wait(poller).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reports_a_hangup, Poller, pollers) {
  Poller poller;
  ends pipe = pipe_to_near();
  const token t{pipe.near.get(), 7};
  BOOST_REQUIRE(!poller.add(t, interest::read));
  pipe.far.reset();
  const reports all = wait_long(poller);
  BOOST_REQUIRE_EQUAL(all.size(), 1u);
  BOOST_TEST(all[0].id == t);
  // select cannot tell it from data.
  BOOST_TEST(is(all[0].ready, readiness::hangup | readiness::read));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(waits_as_long_as_it_is_told, Poller, pollers) {
  Poller poller;
  const ends pipe = pipe_to_near();
  BOOST_REQUIRE(!poller.add({pipe.near.get(), 1}, interest::read));
  for (const std::chrono::nanoseconds timeout : {1ns, 300'000ns, 3'000'001ns}) {
    const auto start = test::sys().now();
    BOOST_TEST(wait(poller, timeout).empty());
    BOOST_TEST((test::sys().now() - start >= timeout));  // law 11
  }
  BOOST_TEST(wait(poller, -1s).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(waits_for_ever_until_something_is_ready, Poller, pollers) {
  Poller poller;
  const ready_pipes pipes(poller, 1);
  BOOST_TEST(wait(poller, {}).size() == 1u);
  BOOST_TEST(wait(poller, std::chrono::nanoseconds::max()).size() == 1u);
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE_TEMPLATE(says_that_a_signal_ended_the_wait, Poller, pollers) {
  Poller poller;
  const ends pipe = pipe_to_near();
  BOOST_REQUIRE(!poller.add({pipe.near.get(), 1}, interest::read));
  const alarms ring(2ms);
  const int n = poller.wait(std::chrono::milliseconds(patience), [](token, readiness) {
    BOOST_ERROR("nothing is ready");
  });
  BOOST_TEST(n == -EINTR);
}
#endif

// With the poll array dense and swapped about, this is where one gets lost or comes twice.
BOOST_AUTO_TEST_CASE_TEMPLATE(reports_each_once_while_its_sink_removes_others, Poller, pollers) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    Poller poller;
    const ready_pipes pipes(poller, 12);
    std::vector<token> removed, reported;
    const auto is_removed = [&](token t) {
      return std::find(removed.begin(), removed.end(), t) != removed.end();
    };
    poller.wait(0ns, [&](token t, readiness ready) {
      BOOST_TEST(ready == readiness::read);
      reported.push_back(t);
      for (unsigned times = random() % 4; times > 0; --times) {
        const token other = random() % 3 == 0 ? t : pipes.tokens()[random() % 12];
        if (is_removed(other)) continue;
        poller.remove(other);
        removed.push_back(other);
      }
    });
    for (const token t : pipes.tokens()) {
      const auto times = std::count(reported.begin(), reported.end(), t);
      BOOST_REQUIRE_LE(times, 1);
      if (!is_removed(t)) BOOST_REQUIRE_EQUAL(times, 1);
    }
    const reports rest = wait(poller);
    BOOST_REQUIRE_EQUAL(rest.size(), 12 - removed.size());
    for (const report& r : rest) BOOST_REQUIRE(!is_removed(r.id));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(lets_its_sink_add_and_modify, Poller, pollers) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Poller poller;
    const ready_pipes pipes(poller, 8);
    std::vector<ends> more;
    std::vector<token> added, reported;
    poller.wait(0ns, [&](token t, readiness) {
      reported.push_back(t);
      if (random() % 2 == 0) {
        BOOST_REQUIRE(!poller.modify(t, interest::none));
        BOOST_REQUIRE(!poller.modify(t, interest::read));
      }
      for (unsigned times = random() % 8; times > 0; --times) {  // makes arrays grow
        more.push_back(pipe_to_near());
        put(more.back().far, "x");
        added.push_back({more.back().near.get(), static_cast<std::uint32_t>(100 + added.size())});
        BOOST_REQUIRE(!poller.add(added.back(), interest::read));
      }
    });
    for (const token t : pipes.tokens())
      BOOST_REQUIRE_EQUAL(std::count(reported.begin(), reported.end(), t), 1);
    const reports rest = wait(poller);
    BOOST_REQUIRE_EQUAL(rest.size(), 8 + added.size());
    for (const token t : added) BOOST_REQUIRE(has_token(rest, t));
  }
}

// Law 1: a descriptor that a hook closed and that was reused at once.
BOOST_AUTO_TEST_CASE_TEMPLATE(never_reports_new_generations_for_old_readiness, Poller, pollers) {
  Poller poller;
  ends a = pipe_to_near(), b = pipe_to_near();
  put(a.far, "x");
  put(b.far, "x");
  const token ta{a.near.get(), 1}, tb{b.near.get(), 2};
  BOOST_REQUIRE(!poller.add(ta, interest::read));
  BOOST_REQUIRE(!poller.add(tb, interest::read));
  std::vector<ends> reused;
  reports all;
  poller.wait(0ns, [&](token t, readiness ready) {
    all.push_back({t, ready});
    if (all.size() > 1) return;
    ends& other = t == ta ? b : a;
    const token old = t == ta ? tb : ta;
    poller.remove(old);
    other.near.reset();
    reused.push_back(pipe_to_near());  // nothing to read
    BOOST_REQUIRE_EQUAL(reused.back().near.get(), old.fd);
    BOOST_REQUIRE(!poller.add({old.fd, 3}, interest::read));
  });
  for (const report& r : all) BOOST_TEST(r.id.generation != 3u);
  poller.remove({reused.back().near.get(), 3});
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE_TEMPLATE(lets_through_what_its_sink_throws, Poller, pollers) {
  Poller poller;
  const ready_pipes pipes(poller, 5);
  BOOST_CHECK_THROW(
      poller.wait(0ns, [](token, readiness) { throw std::runtime_error("from the sink"); }),
      std::runtime_error);
  BOOST_TEST(wait(poller).size() == 5u);
}
#endif

// The poller that holds them is refused nothing by the kernel, and reports nothing else.
BOOST_AUTO_TEST_CASE_TEMPLATE(agrees_with_the_kernel, Poller, pollers) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    std::mt19937 random(seed);
    Poller poller;
    struct watched {
      ends pair;
      bool added = false, readable = false;
      interest wanted = interest::none;
      std::uint32_t generation = 0;
    };
    std::vector<watched> all(20);
    for (watched& w : all) w.pair = socket_pair();
    for (std::uint32_t step = 1; step < 600; ++step) {
      watched& w = all[random() % all.size()];
      const token t{w.pair.near.get(), step};
      const auto wanted = static_cast<interest>(random() % 8);
      switch (random() % 4) {
        case 0:
          if (w.added) poller.remove({t.fd, w.generation});
          w.added = false;
          break;
        case 1:
          w.readable = !w.readable;
          if (w.readable) {
            put(w.pair.far, "x");
          } else {
            take(w.pair.near);
          }
          break;
        default:
          BOOST_REQUIRE(!(w.added ? poller.modify(t, wanted) : poller.add(t, wanted)));
          w.added = true;
          w.wanted = wanted;
          w.generation = step;
      }
      reports found = wait(poller);
      std::size_t expected = 0;
      for (const watched& each : all) {
        if (!each.added) continue;
        readiness ready = readiness::none;
        if (each.readable && any(each.wanted, interest::read)) ready |= readiness::read;
        if (any(each.wanted, interest::write)) ready |= readiness::write;
        if (ready == readiness::none) continue;
        ++expected;
        const report r{{each.pair.near.get(), each.generation}, ready};
        BOOST_REQUIRE(std::find(found.begin(), found.end(), r) != found.end());
      }
      BOOST_REQUIRE_EQUAL(found.size(), expected);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

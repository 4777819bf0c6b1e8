// SPDX-License-Identifier: BSL-1.0
#include <asyncore/poller/spinning.hpp>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <stdexcept>

#include "reports.hpp"

namespace {

using namespace test;
using namespace std::chrono_literals;
using asyncore::spinning;
using asyncore::timeout_type;
using std::chrono::nanoseconds;

// A kernel whose time passes only in waits: 1 us in one that does not block, and as long as it
// takes in one that does.
struct virtual_kernel {
  nanoseconds time{1h};
  std::optional<nanoseconds> arrival;  // when something will be ready
  int polls = 0;                       // waits with a zero timeout
  std::vector<timeout_type> blocks;    // the timeouts of the others
  int failure = 0;                     // what the next wait returns instead
  std::uint32_t ready = 1;             // how many then are

  nanoseconds now() const noexcept { return time; }
  void arrive_in(nanoseconds when) { arrival = time + when; }
};

class virtual_poller {
 public:
  using system = virtual_kernel;
  explicit virtual_poller(virtual_kernel& kernel) : kernel_(&kernel) {}
  virtual_kernel& get_system() const noexcept { return *kernel_; }

  template <class Sink>
  [[gnu::noinline]] int wait(timeout_type timeout, Sink sink) {
    virtual_kernel& k = *kernel_;
    if (k.failure != 0) return std::exchange(k.failure, 0);
    if (timeout && *timeout <= 0ns) {
      ++k.polls;
      k.time += 1us;
    } else {
      k.blocks.push_back(timeout);
      BOOST_REQUIRE(timeout || k.arrival);  // else it would sleep for ever
      const nanoseconds end = timeout ? k.time + *timeout : *k.arrival;
      k.time = std::max(k.time, k.arrival ? std::min(end, *k.arrival) : end);
    }
    if (!k.arrival || k.time < *k.arrival) return 0;
    k.arrival.reset();
    for (std::uint32_t i = 1; i <= k.ready; ++i) sink(token{7, i}, readiness::read);
    return static_cast<int>(k.ready);
  }

 private:
  virtual_kernel* kernel_;
};

const reports ready = {{{7, 1}, readiness::read}};

struct spinner {
  virtual_kernel kernel;
  spinning<virtual_poller, 50> poller{kernel};

  // Waits in vain until it no longer spins.
  void tire() {
    for (int i = 0; i < 10; ++i) BOOST_TEST(wait(poller, 1s).empty());
    BOOST_REQUIRE(poller.spin_time() == 0ns);
    kernel.blocks.clear();
    kernel.polls = 0;
  }
};

BOOST_AUTO_TEST_SUITE(poller_spinning)

BOOST_FIXTURE_TEST_CASE(finds_without_blocking_what_comes_soon, spinner) {
  for (int i = 0; i < 100; ++i) {
    kernel.arrive_in(40us);
    BOOST_TEST(wait(poller, {}) == ready);
  }
  BOOST_TEST(kernel.blocks.size() == 0u);
  BOOST_TEST(kernel.polls == 4000);
  BOOST_CHECK(poller.spin_time() == 50us);
}

BOOST_FIXTURE_TEST_CASE(blocks_when_nothing_comes_in_time, spinner) {
  kernel.arrive_in(1s);
  const nanoseconds start = kernel.time;
  BOOST_TEST(wait(poller, {}) == ready);
  BOOST_TEST(kernel.polls == 50);
  BOOST_REQUIRE(kernel.blocks.size() == 1u);
  BOOST_CHECK(!kernel.blocks[0]);
  BOOST_CHECK(kernel.time - start == 1s);
}

BOOST_FIXTURE_TEST_CASE(reports_all_that_ends_a_block, spinner) {
  kernel.ready = 2;
  for (const nanoseconds when : {40us, 1'000'000us}) {
    kernel.arrive_in(when);
    BOOST_TEST(wait(poller, {}).size() == 2u);
  }
  BOOST_TEST(kernel.blocks.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(spins_half_as_long_after_each_wait_in_vain, spinner) {
  for (const nanoseconds expected : {25000ns, 12500ns, 6250ns, 3125ns, 1562ns, 781ns, 0ns}) {
    BOOST_TEST(wait(poller, 1s).empty());
    BOOST_CHECK(poller.spin_time() == expected);
  }
}

BOOST_FIXTURE_TEST_CASE(an_idle_loop_uses_no_processor_time, spinner) {
  tire();
  for (int i = 0; i < 100; ++i) BOOST_TEST(wait(poller, 30s).empty());
  BOOST_TEST(kernel.polls == 0);
  BOOST_TEST(kernel.blocks.size() == 100u);
}

BOOST_FIXTURE_TEST_CASE(comes_back_when_spinning_would_have_helped, spinner) {
  tire();
  kernel.arrive_in(50us);
  BOOST_TEST(wait(poller, {}) == ready);
  BOOST_CHECK(poller.spin_time() == 50us);
  kernel.blocks.clear();
  kernel.arrive_in(45us);
  BOOST_TEST(wait(poller, {}) == ready);
  BOOST_TEST(kernel.blocks.size() == 0u);
}

BOOST_FIXTURE_TEST_CASE(stays_away_when_it_would_not, spinner) {
  tire();
  for (int i = 0; i < 100; ++i) {
    kernel.arrive_in(51us);
    BOOST_TEST(wait(poller, {}) == ready);
  }
  BOOST_TEST(kernel.polls == 0);
  BOOST_CHECK(poller.spin_time() == 0ns);
}

BOOST_FIXTURE_TEST_CASE(a_zero_timeout_is_one_poll, spinner) {
  BOOST_TEST(wait(poller, 0ns).empty());
  BOOST_TEST(wait(poller, -1s).empty());
  BOOST_TEST(kernel.polls == 2);
  BOOST_TEST(kernel.blocks.size() == 0u);
  BOOST_CHECK(poller.spin_time() == 50us);
}

BOOST_FIXTURE_TEST_CASE(a_timeout_is_neither_cut_nor_stretched, spinner) {
  for (const nanoseconds timeout : {nanoseconds(10us), nanoseconds(50us), nanoseconds(3ms)}) {
    const nanoseconds start = kernel.time;
    BOOST_TEST(wait(poller, timeout).empty());
    BOOST_CHECK(kernel.time - start >= timeout);
    BOOST_CHECK(kernel.time - start <= timeout + 1us);  // the last poll
  }
}

BOOST_FIXTURE_TEST_CASE(errors_end_the_wait, spinner) {
  kernel.failure = -EINTR;
  BOOST_TEST(poller.wait({}, [](token, readiness) {}) == -EINTR);
  tire();
  kernel.failure = -EBADF;
  BOOST_TEST(poller.wait({}, [](token, readiness) {}) == -EBADF);
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_FIXTURE_TEST_CASE(what_the_sink_throws_passes, spinner) {
  for (const nanoseconds when : {nanoseconds(5us), nanoseconds(1s)}) {
    kernel.arrive_in(when);
    BOOST_CHECK_THROW(
        poller.wait({}, [](token, readiness) { throw std::runtime_error("on purpose"); }),
        std::runtime_error);
  }
}
#endif

// The contract, by the real kernel.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_a_poller_as_the_one_inside, Poller, all_pollers) {
  static_assert(asyncore::poller<spinning<Poller>>);
  static_assert(spinning<Poller>::name == Poller::name);
  spinning<Poller> poller;
  const ends pipe = pipe_to_near();
  const token t{pipe.near.get(), 7};
  BOOST_REQUIRE(!poller.add(t, interest::read));
  BOOST_TEST(wait(poller).empty());
  const auto start = std::chrono::steady_clock::now();
  BOOST_TEST(wait(poller, 2ms).empty());
  BOOST_CHECK(std::chrono::steady_clock::now() - start >= 2ms);
  put(pipe.far, "x");
  BOOST_TEST(wait_long(poller) == reports({{t, readiness::read}}));
  BOOST_TEST(wait_long(poller) == reports({{t, readiness::read}}));
  BOOST_REQUIRE(!poller.modify(t, interest::none));
  BOOST_TEST(wait(poller).empty());
  poller.remove(t);
  BOOST_TEST(wait(poller).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

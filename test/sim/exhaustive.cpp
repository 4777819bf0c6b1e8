// SPDX-License-Identifier: BSL-1.0
// The nth system call fails, with each error that it can give, and the nth allocation, for every n:
// nothing leaks, hangs or terminates, and the error comes to light where it should.
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <set>
#include <type_traits>
#include <utility>

#include <asyncore/loop_group.hpp>

#include "../support/descriptors.hpp"
#include "workload.hpp"

namespace {

const asyncore::sim_kernel* running = nullptr;  // while allocations count
std::uint64_t allocations = 0;                  // since the run began, but for the kernel's
std::uint64_t failing_allocation = 0;
std::int64_t blocks = 0;                        // that have not been freed

bool any_may_fail = false;                      // without a kernel

bool fails() noexcept {
  const bool counts = running != nullptr ? !running->busy() : any_may_fail;
  return counts && ++allocations == failing_allocation;
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (fails()) throw std::bad_alloc();
  void* const memory = std::malloc(size > 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  ++blocks;
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory != nullptr) --blocks;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace {

using asyncore::call_errors;
using asyncore::sim_call;
using test::sim::failure_outcome;
using test::sim::failure_plan;

template <class Place>
using workload = test::sim::workload<Place>;
using places = boost::mpl::list<test::place<asyncore::sim_epoll_poller, test::dense, true>,
                                test::place<asyncore::sim_select_poller, test::hashed, false>>;

/// Without optimization the same takes ten times as long, with sanitizers a hundred times.
#if defined(__OPTIMIZE__)
constexpr std::uint64_t part = 1;
#elif ASYNCORE_HAS_ASAN
constexpr std::uint64_t part = 160;
#else
constexpr std::uint64_t part = 40;
#endif

/// Runs a plan, and objects to what is wrong with it; `what()` says which it was.
template <class Place, class What>
failure_outcome run(std::uint64_t seed, const failure_plan& plan, What what) {
  const std::int64_t before = blocks;
  failure_outcome o = workload<Place>(seed, nullptr, plan).run_plan();
  for (const std::string& text : o.result.objections) BOOST_ERROR(what(o) + ": " + text);
  o.result.objections = std::vector<std::string>();
  const std::int64_t left = blocks - before - (o.reported.capacity() > 0 ? 1 : 0);
  BOOST_TEST(left == 0, what(o) << ": " << left << " blocks leak");
  return o;
}

/// Calls `f` with each of the first `seeds` whose run makes no more than `calls`: short enough to
/// be repeated for each of them.
template <class Place, class F>
void for_each_short_seed(std::uint64_t seeds, std::uint64_t calls, F f) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    failure_plan plan;
    plan.faults = false;
    if (workload<Place>(seed, nullptr, plan).run_plan().calls <= calls) f(seed);
  }
}

/// True when an error of this call must come to light: others are no error, or not of interest.
bool must_be_told(sim_call call, int error) {
  if (error == EAGAIN || error == EINTR) return false;
  switch (call) {
    case sim_call::socket:
    case sim_call::bind:
    case sim_call::listen:
    case sim_call::connect:
    case sim_call::dup:
    case sim_call::set_nonblocking:
    case sim_call::epoll_create:
    case sim_call::watch:
    case sim_call::wait:
      return true;
    case sim_call::read:
      return !asyncore::is_disconnect(error);
    case sim_call::recv:  // a kernel that is short of memory is asked again
      return !asyncore::is_disconnect(error) && error != ENOBUFS && error != ENOMEM;
    default:
      return false;
  }
}

/// The calls that have failed, and with what.
using failures = std::set<std::pair<sim_call, int>>;

/// Has the `n`th call fail with each errno; false when there is none.
template <class Place>
bool fail_call(std::uint64_t seed, std::uint64_t n, failures& failed) {
  for (std::size_t choice = 0;; ++choice) {
    failure_plan plan;
    plan.faults = false;
    plan.call = n;
    plan.choice = choice;
    const auto what = [&](const failure_outcome& o) {
      return "seed " + std::to_string(seed) + ", call " + std::to_string(n) + ", " +
             std::string(asyncore::call_name(o.failed.call)) + ": errno " +
             std::to_string(o.failed.error);
    };
    const failure_outcome o = run<Place>(seed, plan, what);
    if (!o.failed.chosen) return o.failed.reached;
    failed.emplace(o.failed.call, o.failed.error);
    const bool told =
        std::find(o.reported.begin(), o.reported.end(), o.failed.error) != o.reported.end();
    const bool dropped = o.lingered && o.failed.call == sim_call::recv;
    BOOST_TEST((told || dropped || !must_be_told(o.failed.call, o.failed.error)),
               what(o) << " was told nobody");
  }
}

BOOST_AUTO_TEST_SUITE(exhaustive)

BOOST_AUTO_TEST_CASE_TEMPLATE(every_system_call_may_fail, Place, places) {
  failures failed;
  for_each_short_seed<Place>(1000 / part, 150, [&](std::uint64_t seed) {
    for (std::uint64_t n = 1; fail_call<Place>(seed, n, failed);) ++n;
  });
  for (int i = 0; i < static_cast<int>(sim_call::arrival); ++i) {
    const auto call = static_cast<sim_call>(i);
    // Only epoll has a descriptor of its own, and these seeds never ask for what is unread.
    const bool made = call == sim_call::epoll_create
                          ? std::is_same_v<typename Place::poller, asyncore::sim_epoll_poller>
                          : call != sim_call::unread;
    for (const int error : call_errors(call))
      BOOST_TEST((!made || part != 1 || failed.count({call, error}) == 1),
                 asyncore::call_name(call) << " never failed with errno " << error);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_allocation_may_fail, Place, places) {
  std::uint64_t runs = 0;
  for_each_short_seed<Place>(300 / part, 1500, [&](std::uint64_t seed) {
    for (failing_allocation = 1;; ++failing_allocation) {
      failure_plan plan;
      plan.faults = false;
      plan.running = &running;
      allocations = 0;
      const auto what = [&](const failure_outcome&) {
        return "seed " + std::to_string(seed) + ", allocation " +
               std::to_string(failing_allocation);
      };
      const failure_outcome o = run<Place>(seed, plan, what);
      if (allocations < failing_allocation) break;
      ++runs;
      BOOST_TEST(!o.reported.empty(), what(o) << " was told nobody");
    }
  });
  BOOST_TEST(runs > 500u / part);
}

// The kernel would write behind the end of what there is room for.
BOOST_AUTO_TEST_CASE(epoll_that_cannot_grow_asks_for_no_more_events) {
  const test::ends pipe = test::pipe_to_near();
  BOOST_REQUIRE_EQUAL(::write(pipe.far.get(), "x", 1), 1);
  asyncore::epoll_poller poller;
  std::vector<asyncore::unique_fd> copies;
  for (std::uint32_t i = 1; i <= 200; ++i) {
    copies.emplace_back(::dup(pipe.near.get()));
    BOOST_REQUIRE(!poller.add({copies.back().get(), i}, asyncore::interest::read));
  }
  int reported = 0;
  const auto wait = [&] {
    reported = 0;
    poller.wait(std::chrono::nanoseconds(0), [&](auto, auto) { ++reported; });
  };
  allocations = 0;
  failing_allocation = 1;
  any_may_fail = true;
  BOOST_CHECK_THROW(wait(), std::bad_alloc);
  any_may_fail = false;
  const int before = reported;
  wait();
  BOOST_TEST(reported == before);
  wait();
  BOOST_TEST(reported == 200);
}

struct handed : asyncore::dispatcher<handed> {
  using dispatcher::dispatcher;
  void handle_data(std::span<const std::byte>) {}
};

// What was to be handed out is closed, and no thread is left.
BOOST_AUTO_TEST_CASE(a_group_without_memory) {
  using group_type = asyncore::loop_group<asyncore::default_loop>;
  group_type group({.threads = 2, .pinned = false});
  test::ends pair = test::socket_pair();
  const auto failing = [](auto f) {
    allocations = 0;
    failing_allocation = 1;
    any_may_fail = true;
    BOOST_CHECK_THROW(f(), std::bad_alloc);
    any_may_fail = false;
  };
  failing([&] { group.hand_out<handed>(asyncore::socket(std::move(pair.near))); });
  BOOST_TEST(test::at_end(pair.far));
  BOOST_TEST(group.channels(0) + group.channels(1) == 0u);
  failing([&] { group.start(); });
  group.join();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

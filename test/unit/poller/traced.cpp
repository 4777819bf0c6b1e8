// SPDX-License-Identifier: BSL-1.0
#include <asyncore/poller/traced.hpp>

#include <asyncore.hpp>

#include <cerrno>
#include <sstream>
#include <string>

#include "../../support/standard_error.hpp"
#include "reports.hpp"

namespace {

using namespace test;
using namespace std::chrono_literals;
using asyncore::traced;

/// Every line since the last question.
struct notes {
  void operator()(std::string_view line) const noexcept { (said += line) += "; "; }
  static std::string take() { return std::exchange(said, {}); }
  static inline std::string said;
};

std::string name(token t) {
  return std::to_string(t.fd) + "#" + std::to_string(t.generation);
}

// A poller that refuses, and whose wait a signal ends.
struct refusing_poller {
  [[maybe_unused]] static constexpr std::string_view name = "refusing";
  using system = asyncore::posix_system;
  std::error_code add(token, interest) { return asyncore::errno_code(EPERM); }
  std::error_code add_exclusive(token, interest) { return {}; }
  std::error_code modify(token, interest) { return asyncore::errno_code(ENOENT); }
  void remove(token) noexcept {}
  template <class Sink>
  int wait(asyncore::timeout_type, Sink) {
    return -EINTR;
  }
};

template <class Poller>
constexpr bool can_be_exclusive =
    requires(Poller& p) { p.add_exclusive(token{}, interest::read); };
static_assert(can_be_exclusive<traced<refusing_poller>>);
static_assert(!can_be_exclusive<traced<asyncore::poll_poller>>);

// As large as without, and nothing is called; test/codegen compares the code.
static_assert(sizeof(traced<asyncore::poll_poller>) == sizeof(asyncore::poll_poller));
static_assert(sizeof(traced<asyncore::poll_poller, asyncore::no_trace>) ==
              sizeof(asyncore::poll_poller));

BOOST_AUTO_TEST_SUITE(traced_poller)

BOOST_AUTO_TEST_CASE_TEMPLATE(says_what_goes_through_it, Poller, all_pollers) {
  static_assert(asyncore::poller<traced<Poller, notes>>);
  static_assert(asyncore::poller<traced<Poller, asyncore::no_trace>>);
  static_assert(traced<Poller>::name == Poller::name);
  notes::take();
  traced<Poller, notes> poller;
  const ends pair = socket_pair();
  const token t{pair.near.get(), 4'000'000'000};
  BOOST_REQUIRE(!poller.add(t, interest::none));
  BOOST_REQUIRE(!poller.modify(t, interest::read | interest::write));
  BOOST_TEST(notes::take() == "add " + name(t) + " none; modify " + name(t) + " read write; ");
  BOOST_TEST(wait(poller, 1h) == reports({{t, readiness::write}}));
  BOOST_TEST(notes::take() == "wait 3600000000000 ns; ready " + name(t) + " write; ");
  put(pair.far, "x");
  BOOST_TEST(wait(poller, {}).size() == 1u);
  BOOST_TEST(notes::take() == "wait; ready " + name(t) + " read write; ");
  poller.remove(t);
  BOOST_TEST(wait(poller).empty());
  BOOST_TEST(notes::take() == "remove " + name(t) + "; wait 0 ns; ");
}

BOOST_AUTO_TEST_CASE(says_what_fails) {
  traced<refusing_poller, notes> poller;
  BOOST_TEST((poller.add({7, 1}, interest::expt) == std::errc::operation_not_permitted));
  BOOST_TEST(!poller.add_exclusive({7, 1}, interest::read));
  BOOST_TEST(!!poller.modify({7, 1}, interest::none));
  BOOST_TEST(poller.wait({}, [](token, readiness) {}) == -EINTR);
  BOOST_TEST(notes::take() ==
             "add 7#1 expt: system " + std::to_string(EPERM) +
                 "; add exclusive 7#1 read; modify 7#1 none: system " + std::to_string(ENOENT) +
                 "; wait; woke: system " + std::to_string(EINTR) + "; ");
}

// In a loop, with the log as it is.
BOOST_AUTO_TEST_CASE(a_loop_may_be_read) {
  using loop_type = asyncore::basic_loop<traced<asyncore::default_poller>, asyncore::fd_table<>>;
  struct echo : asyncore::dispatcher_with_send<echo, loop_type> {
    using dispatcher_with_send::dispatcher_with_send;
    void handle_data(std::span<const std::byte> data) { send(data); }
  };
  ends pair = socket_pair();
  const std::string fd = std::to_string(pair.near.get());
  const std::string text = stderr_of([&] {
    loop_type loop;
    loop.emplace<echo>(asyncore::socket(std::move(pair.near)));
    put(pair.far, "hello");
    loop.poll(1h);
    BOOST_TEST(take(pair.far) == "hello");
  });
  // The waker is another descriptor.
  std::string told;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.find("#2") == std::string::npos) told += line + "\n";
  BOOST_TEST(told == "add " + fd + "#1 read\nwait 3600000000000 ns\nready " + fd +
                         "#1 read\nremove " + fd + "#1\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

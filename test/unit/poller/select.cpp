// SPDX-License-Identifier: BSL-1.0
#include <asyncore/poller/select.hpp>

#include "reports.hpp"

#include <sys/resource.h>
#include <sys/select.h>

#include <array>
#include <cstring>
#include <memory>

namespace {
int last_count = -1;
}

// Stands before the library's own, to see how many descriptors the kernel is asked about.
extern "C" int select(int count, fd_set* read, fd_set* write, fd_set* expt, timeval* timeout) {
  last_count = count;
  timespec limit{};
  if (timeout != nullptr) limit = {timeout->tv_sec, timeout->tv_usec * 1000};
  return ::pselect(count, read, write, expt, timeout != nullptr ? &limit : nullptr, nullptr);
}

namespace {

using namespace test;
using asyncore::select_poller;
using std::errc;

// With something in front and behind that must not change.
struct guarded {
  guarded() {
    before.fill('b');
    after.fill('a');
  }
  void check() const {
    for (const char c : before) BOOST_REQUIRE_EQUAL(c, 'b');
    for (const char c : after) BOOST_REQUIRE_EQUAL(c, 'a');
  }
  std::array<char, 4096> before;
  select_poller poller;
  std::array<char, 4096> after;
};

BOOST_AUTO_TEST_SUITE(select_)

// Law 8.
BOOST_AUTO_TEST_CASE(refuses_descriptors_that_an_fd_set_has_no_room_for) {
  const auto g = std::make_unique<guarded>();
  for (const int fd : {FD_SETSIZE, FD_SETSIZE + 1, FD_SETSIZE + 64, 2 * FD_SETSIZE, 1'000'000, -1}) {
    const token t{fd, 1};
    BOOST_TEST((g->poller.add(t, interest::read | interest::write) == errc::value_too_large));
    BOOST_TEST((g->poller.modify(t, interest::expt) == errc::value_too_large));
    g->poller.remove(t);
    g->check();
  }
  BOOST_TEST(wait(g->poller).empty());
  BOOST_TEST(last_count == 0);
}

BOOST_AUTO_TEST_CASE(says_where_it_begins_to_refuse) {
  static_assert(select_poller::fd_limit == FD_SETSIZE);
}

BOOST_AUTO_TEST_CASE(takes_the_last_descriptor_before) {
  rlimit limit;
  BOOST_REQUIRE_EQUAL(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < FD_SETSIZE) {
    limit.rlim_cur = FD_SETSIZE;
    BOOST_REQUIRE_EQUAL(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  const auto g = std::make_unique<guarded>();
  ends pipe = pipe_to_near();
  const unique_fd last = checked(::fcntl(pipe.near.get(), F_DUPFD_CLOEXEC, FD_SETSIZE - 1));
  BOOST_REQUIRE_EQUAL(last.get(), FD_SETSIZE - 1);
  const token t{last.get(), 1};
  BOOST_REQUIRE(!g->poller.add(t, interest::read));
  BOOST_TEST(wait(g->poller).empty());
  BOOST_TEST(last_count == FD_SETSIZE);
  put(pipe.far, "x");
  BOOST_TEST(wait(g->poller) == reports({{t, readiness::read}}));
  g->poller.remove(t);
  BOOST_TEST(wait(g->poller).empty());
  g->check();
}

BOOST_AUTO_TEST_CASE(asks_no_further_than_the_highest_descriptor) {
  const auto poller = std::make_unique<select_poller>();
  const ends pipe = pipe_to_near();
  std::vector<unique_fd> fds;  // on both sides of the words of an fd_set
  for (const int number : {50, 63, 64, 127, 128, 200, 500})
    fds.push_back(checked(::fcntl(pipe.near.get(), F_DUPFD_CLOEXEC, number)));
  const auto highest_asked = [&] {
    wait(*poller);
    return last_count - 1;
  };
  const auto id = [&](std::size_t i) { return token{fds[i].get(), 1}; };
  BOOST_TEST(highest_asked() == -1);
  for (std::size_t i = 0; i < fds.size(); ++i) {
    BOOST_REQUIRE(!poller->add(id(i), i % 3 == 0   ? interest::read
                                      : i % 3 == 1 ? interest::write
                                                   : interest::expt));
    BOOST_TEST(highest_asked() == id(i).fd);
  }
  // What is not wanted at the moment is not asked about either.
  BOOST_REQUIRE(!poller->modify(id(6), interest::none));
  BOOST_TEST(highest_asked() == id(5).fd);
  BOOST_REQUIRE(!poller->modify(id(6), interest::read));
  BOOST_TEST(highest_asked() == id(6).fd);
  poller->remove(id(3));  // not the highest
  BOOST_TEST(highest_asked() == id(6).fd);
  for (const std::size_t i : {6u, 5u}) {
    poller->remove(id(i));
    BOOST_TEST(highest_asked() == id(i - 1).fd);
  }
  poller->remove(id(4));
  BOOST_TEST(highest_asked() == id(2).fd);
  for (const std::size_t i : {2u, 1u, 0u}) poller->remove(id(i));
  BOOST_TEST(highest_asked() == -1);
}

BOOST_AUTO_TEST_CASE(lets_go_of_what_it_found_for_a_removed_descriptor) {
  const auto poller = std::make_unique<select_poller>();
  std::vector<ends> pipes;
  for (int i = 0; i < 5; ++i) {
    pipes.push_back(pipe_to_near());
    put(pipes.back().far, "x");
    BOOST_REQUIRE(!poller->add({pipes.back().near.get(), 1}, interest::read));
  }
  int calls = 0;
  poller->wait(std::chrono::nanoseconds(0), [&](token, readiness) {
    if (++calls > 1) return;
    for (const ends& pipe : pipes) {
      poller->remove({pipe.near.get(), 1});
      BOOST_REQUIRE(!poller->add({pipe.near.get(), 2}, interest::read));
    }
  });
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(reports_data_urgent_data_and_room_in_one) {
  const auto poller = std::make_unique<select_poller>();
  const ends tcp = tcp_pair();
  const token t{tcp.near.get(), 1};
  BOOST_REQUIRE(!poller->add(t, interest::read | interest::write | interest::expt));
  BOOST_REQUIRE_EQUAL(::send(tcp.far.get(), "a", 1, 0), 1);
  BOOST_REQUIRE_EQUAL(::send(tcp.far.get(), "!", 1, MSG_OOB), 1);
  BOOST_REQUIRE(wait_for(tcp.near.get(), POLLPRI));
  BOOST_TEST(wait(*poller) ==
             reports({{t, readiness::read | readiness::write | readiness::expt}}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
#include <asyncore/poller/epoll.hpp>

#if ASYNCORE_HAS_EPOLL

#include "reports.hpp"

#include <asyncore/poller/observed.hpp>
#include <asyncore/poller/spinning.hpp>

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <string>

namespace {

using namespace test;
using asyncore::epoll_poller;
using namespace std::chrono_literals;

// Duplicates of the readable end of one pipe: many ready descriptors for few.
class duplicates {
 public:
  explicit duplicates(int count) : pipe_(pipe_to_near()) {
    put(pipe_.far, "x");
    for (int i = 0; i < count; ++i) fds_.push_back(checked(::dup(pipe_.near.get())));
  }
  void watch(epoll_poller& poller) const {
    for (const unique_fd& fd : fds_) BOOST_REQUIRE(!poller.add({fd.get(), 1}, interest::read));
  }

 private:
  ends pipe_;
  std::vector<unique_fd> fds_;
};

struct counting_events {
  void event() noexcept {}
};

// A duplicate of one file: epoll refuses each alike.
class regular_file {
 public:
  regular_file() : fd_(checked(::dup(shared()))) {}
  token id(std::uint32_t generation = 1) const { return {fd_.get(), generation}; }

 private:
  static int shared() {
    static const temporary_directory directory;
    static const unique_fd fd(
        ::open(directory.file("f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    return fd.get();
  }
  unique_fd fd_;
};

// What it is told of ahead, and whether everything that is reported was.
struct looking_ahead {
  struct notes {
    std::set<int> expected;
    std::size_t most = 0, reported = 0, surprises = 0;
    bool looks = true;
  };
  void operator()(token t, readiness) const {
    ++told->reported;
    if (told->expected.erase(t.fd) == 0) ++told->surprises;
  }
  bool looks_ahead() const noexcept { return told->looks; }
  void expect(token t) const {
    told->expected.insert(t.fd);
    told->most = std::max(told->most, told->expected.size());
  }
  notes* told;
};

BOOST_AUTO_TEST_SUITE(epoll)

BOOST_AUTO_TEST_CASE(tells_a_sink_that_looks_ahead_what_comes_next) {
  epoll_poller poller;
  const duplicates many(100);
  many.watch(poller);
  looking_ahead::notes told;
  BOOST_TEST(poller.wait(0ns, looking_ahead{&told}) == 100);
  BOOST_TEST(told.reported == 100u);
  BOOST_TEST(told.surprises == 0u);
  BOOST_TEST(told.expected.empty());
  BOOST_TEST(told.most > 1u);
  BOOST_TEST(told.most <= 64u);  // what is fetched too early is gone when it is needed
  // So do the adaptors.
  asyncore::spinning<epoll_poller> patient;
  asyncore::observed<epoll_poller, counting_events> counting;
  many.watch(patient);
  many.watch(counting);
  BOOST_TEST(patient.wait(std::nullopt, looking_ahead{&told}) == 100);
  BOOST_TEST(counting.wait(0ns, looking_ahead{&told}) == 100);
  BOOST_TEST(told.reported == 300u);
  BOOST_TEST(told.surprises == 0u);
  told.looks = false;
  BOOST_TEST(poller.wait(0ns, looking_ahead{&told}) == 100);
  BOOST_TEST(told.surprises == 100u);
}

BOOST_AUTO_TEST_CASE(tells_regular_files_apart) {
  epoll_poller poller;
  const regular_file one, two;
  BOOST_REQUIRE(!poller.add(one.id(), interest::read));
  BOOST_REQUIRE(!poller.add(two.id(), interest::none));
  BOOST_REQUIRE(!poller.modify(two.id(), interest::write));
  BOOST_TEST(wait(poller) ==
             reports({{one.id(), readiness::read}, {two.id(), readiness::write}}));
  BOOST_REQUIRE(!poller.modify(one.id(), interest::none));
  BOOST_TEST(wait(poller) == reports({{two.id(), readiness::write}}));
}

BOOST_AUTO_TEST_CASE(reports_more_at_once_the_more_is_ready) {
  epoll_poller poller;
  const duplicates many(600);
  many.watch(poller);
  std::size_t last = 0;
  std::set<int> seen;
  for (int turns = 0; turns < 5; ++turns) {
    const reports all = wait(poller);
    BOOST_TEST(all.size() > 0u);
    BOOST_TEST(all.size() >= last);
    last = all.size();
    for (const report& r : all) seen.insert(r.id.fd);
    BOOST_TEST(std::set<int>(seen).size() >= all.size());
  }
  BOOST_TEST(last == 600u);
  BOOST_TEST(seen.size() == 600u);
}

BOOST_AUTO_TEST_CASE(lets_its_sink_add_while_the_batch_grows) {
  epoll_poller poller;
  const duplicates many(200), more(200);
  many.watch(poller);
  bool added = false;
  poller.wait(0ns, [&](token, readiness) {
    if (!std::exchange(added, true)) more.watch(poller);
  });
  BOOST_TEST(wait(poller).size() > 200u);
  BOOST_TEST(wait(poller).size() == 400u);
}

BOOST_AUTO_TEST_CASE(tells_a_hangup_from_data) {
  epoll_poller poller;
  ends pipe = pipe_to_near();
  BOOST_REQUIRE(!poller.add({pipe.near.get(), 1}, interest::none));
  put(pipe.far, "x");
  BOOST_TEST(wait(poller).empty());
  pipe.far.reset();
  // Not asked for, and not to be masked.
  BOOST_TEST(wait(poller) == reports({{{pipe.near.get(), 1}, readiness::hangup}}));
}

BOOST_AUTO_TEST_CASE(refuses_what_is_watched_already) {
  epoll_poller poller;
  const ends pipe = pipe_to_near();
  const token t{pipe.near.get(), 1};
  BOOST_TEST(!poller.add(t, interest::read));
  BOOST_TEST((poller.add(t, interest::read) == std::errc::file_exists));
  poller.remove(t);
  BOOST_TEST((poller.modify(t, interest::read) == std::errc::no_such_file_or_directory));
  BOOST_TEST((poller.add({-1, 1}, interest::read) == std::errc::bad_file_descriptor));
}

BOOST_AUTO_TEST_CASE(is_a_descriptor) {
  epoll_poller poller;
  const ends pipe = pipe_to_near();
  BOOST_REQUIRE(!poller.add({pipe.near.get(), 1}, interest::read));
  BOOST_TEST((::fcntl(poller.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  pollfd polled{poller.native_handle(), POLLIN, 0};
  BOOST_TEST(::poll(&polled, 1, 0) == 0);
  put(pipe.far, "x");
  BOOST_TEST(::poll(&polled, 1, patience) == 1);
}

// Law 7.
BOOST_AUTO_TEST_SUITE(regular_files)

BOOST_AUTO_TEST_CASE(are_always_ready_for_what_was_asked) {
  epoll_poller poller;
  const regular_file file;
  BOOST_REQUIRE(!poller.add(file.id(), interest::read));
  for (int turns = 0; turns < 3; ++turns)
    BOOST_TEST(wait_long(poller) == reports({{file.id(), readiness::read}}));
  BOOST_REQUIRE(!poller.modify(file.id(2), interest::read | interest::write));
  BOOST_TEST(wait_long(poller) ==
             reports({{file.id(2), readiness::read | readiness::write}}));
  BOOST_REQUIRE(!poller.modify(file.id(2), interest::write | interest::expt));
  BOOST_TEST(wait_long(poller) == reports({{file.id(2), readiness::write}}));
}

BOOST_AUTO_TEST_CASE(that_want_nothing_do_not_keep_the_poller_awake) {
  epoll_poller poller;
  const regular_file file;
  BOOST_REQUIRE(!poller.add(file.id(), interest::none));
  const auto start = std::chrono::steady_clock::now();
  BOOST_TEST(wait(poller, 3ms).empty());
  BOOST_TEST((std::chrono::steady_clock::now() - start >= 3ms));
}

BOOST_AUTO_TEST_CASE(are_forgotten_when_removed) {
  epoll_poller poller;
  const regular_file a, b, c;
  for (const regular_file* file : {&a, &b, &c})
    BOOST_REQUIRE(!poller.add(file->id(), interest::read));
  poller.remove(a.id());
  reports all = wait(poller);
  BOOST_TEST(all.size() == 2u);
  BOOST_TEST(!has_token(all, a.id()));
  poller.remove(c.id());
  BOOST_TEST(wait(poller) == reports({{b.id(), readiness::read}}));
  poller.remove(b.id());
  BOOST_TEST(wait(poller).empty());
  BOOST_TEST(static_cast<bool>(poller.modify(a.id(), interest::read)));
}

BOOST_AUTO_TEST_CASE(stand_beside_descriptors_that_the_kernel_reports) {
  epoll_poller poller;
  const regular_file file;
  const ends pipe = pipe_to_near();
  const token t{pipe.near.get(), 9};
  BOOST_REQUIRE(!poller.add(file.id(), interest::read));
  BOOST_REQUIRE(!poller.add(t, interest::read));
  BOOST_TEST(wait(poller) == reports({{file.id(), readiness::read}}));
  put(pipe.far, "x");
  const reports all = wait(poller);
  BOOST_TEST(all.size() == 2u);
  BOOST_TEST((has_token(all, t) && has_token(all, file.id())));
}

BOOST_AUTO_TEST_CASE(find_room_behind_a_full_batch) {
  epoll_poller poller;
  const duplicates many(300);
  many.watch(poller);
  std::vector<regular_file> files(200);
  for (const regular_file& file : files) BOOST_REQUIRE(!poller.add(file.id(), interest::write));
  for (int turns = 0; turns < 4; ++turns) {
    const reports all = wait(poller);
    BOOST_TEST(all.size() > 200u);
    for (const regular_file& file : files) BOOST_REQUIRE(has_token(all, file.id()));
  }
  BOOST_TEST(wait(poller).size() == 500u);
}

BOOST_AUTO_TEST_CASE(may_come_and_go_in_the_sink) {
  epoll_poller poller;
  const regular_file a, b, late;
  BOOST_REQUIRE(!poller.add(a.id(), interest::read));
  BOOST_REQUIRE(!poller.add(b.id(), interest::read));
  bool done = false;
  poller.wait(0ns, [&](token, readiness) {
    if (std::exchange(done, true)) return;
    poller.remove(a.id());
    poller.remove(b.id());
    BOOST_REQUIRE(!poller.add(late.id(), interest::write));
  });
  BOOST_TEST(wait(poller) == reports({{late.id(), readiness::write}}));
}

BOOST_AUTO_TEST_SUITE_END()
BOOST_AUTO_TEST_SUITE_END()

}  // namespace

#endif

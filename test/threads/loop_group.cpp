// SPDX-License-Identifier: BSL-1.0
// Loops in threads of their own. Also run under the thread sanitizer.
#include <asyncore/loop_group.hpp>

#include <asyncore.hpp>
#include <asyncore/poller/observed.hpp>
#include <asyncore/prometheus.hpp>

#include "../support/child.hpp"
#include "../support/descriptor_limit.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/standard_error.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <tuple>

namespace {

using asyncore::sharing;
using test::endpoint;
using test::unique_fd;

template <class Place>
struct server;
template <class Place>
struct answerer;
template <class Place>
struct picky;
template <class Place>
using loop_of = typename Place::template loop<server<Place>, answerer<Place>, picky<Place>>;
template <class Place>
using group_of = asyncore::loop_group<loop_of<Place>>;

/// Answers with the number of its loop; with '?' when another thread calls it.
template <class Place>
struct answerer : asyncore::dispatcher<answerer<Place>, loop_of<Place>> {
  answerer(loop_of<Place>& loop, asyncore::socket peer, group_of<Place>* group)
      : answerer::dispatcher(loop, std::move(peer)), group_(*group) {}
  void handle_data(std::span<const std::byte>) {
    char number = '0';
    while (&group_[static_cast<std::size_t>(number - '0')] != &this->loop()) ++number;
    if (made_by_ != std::this_thread::get_id()) number = '?';
    (void)this->send(std::string_view(&number, 1));
  }

 private:
  group_of<Place>& group_;
  std::thread::id made_by_ = std::this_thread::get_id();
};

template <class Place>
struct server : asyncore::dispatcher<server<Place>, loop_of<Place>> {
  server(loop_of<Place>& loop, group_of<Place>* group, bool hands_out)
      : server::dispatcher(loop), group_(*group), hands_out_(hands_out) {}
  void handle_accepted(asyncore::socket peer, endpoint) {
    if (hands_out_) {
      group_.template hand_out<answerer<Place>>(std::move(peer), &group_);
    } else {
      this->loop().template emplace<answerer<Place>>(std::move(peer), &group_);
    }
  }

 private:
  group_of<Place>& group_;
  bool hands_out_;
};

/// Accepts only while its loop has room, or while its number is not that of the one that rests.
template <class Place>
struct picky : asyncore::dispatcher<picky<Place>, loop_of<Place>> {
  picky(loop_of<Place>& loop, group_of<Place>* group, std::size_t limit,
        std::atomic<const loop_of<Place>*>* rests)
      : picky::dispatcher(loop), connection_limit(limit), group_(*group), rests_(*rests) {}
  bool readable() const { return rests_ != &this->loop(); }
  void handle_accepted(asyncore::socket peer, endpoint) {
    this->loop().template emplace<answerer<Place>>(std::move(peer), &group_);
  }
  std::size_t connection_limit;

 private:
  group_of<Place>& group_;
  std::atomic<const loop_of<Place>*>& rests_;
};

using places = std::tuple<
#if ASYNCORE_HAS_EPOLL
    test::place<asyncore::epoll_poller, test::dense, true>,
#endif
    test::place<asyncore::poll_poller, test::hashed, false>>;

constexpr std::size_t threads = 3;

/// The answer to one byte.
char asked(const unique_fd& client) {
  test::put(client, "x");
  BOOST_REQUIRE(test::wait_for(client.get(), POLLIN));
  const std::string answer = test::take(client);
  return answer.size() == 1 ? answer[0] : '!';
}

/// A group that serves, and long-lived connections to it.
template <class Place>
struct scene {
  explicit scene(sharing how)
      : where(group.template listen<server<Place>>(endpoint::parse("127.0.0.1:0"), how, &group,
                                                   how == sharing::least_loaded)) {
    group.start();
  }
  /// Connects, asks, and counts which loop answers.
  void connect(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(test::connected_to(where));
      const char answer = asked(clients.back());
      BOOST_REQUIRE((answer >= '0' && answer < static_cast<char>('0' + threads)));
      ++served[static_cast<std::size_t>(answer - '0')];
    }
  }
  group_of<Place> group{{.threads = threads, .pinned = false}};
  endpoint where;
  std::vector<unique_fd> clients;
  std::array<int, threads> served{};
};

BOOST_AUTO_TEST_SUITE(loop_group)

BOOST_AUTO_TEST_CASE_TEMPLATE(each_loop_has_its_thread, Place, places) {
  group_of<Place> group({.threads = threads, .pinned = false});
  BOOST_TEST(group.size() == threads);
  std::array<std::atomic<std::thread::id>, threads> ids;
  std::atomic<int> left = 2 * threads;
  group.start();
  for (int i = 0; i < 2; ++i)
    group.post_each([&](loop_of<Place>& loop) {
      for (std::size_t n = 0; n < threads; ++n)
        if (&group[n] == &loop) ids[n] = std::this_thread::get_id();
      if (--left == 0) group.stop();
    });
  group.join();  // no channel and nothing posted any more: only `stop` ends it
  BOOST_TEST(left == 0);
  BOOST_TEST((std::set<std::thread::id>(ids.begin(), ids.end()).size() == threads));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_comes_before_start_or_never, Place, places) {
  group_of<Place> group({.threads = threads, .pinned = false});
  group.stop();
  group.run();
  // A destructor stops what runs.
  scene<Place> s(sharing::reuse_port);
  s.connect(3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_listener_for_each_loop, Place, places) {
  scene<Place> s(sharing::reuse_port);
  s.connect(60);
  BOOST_TEST(std::accumulate(s.served.begin(), s.served.end(), 0) == 60);
  // 60 connections of a random choice leave out a loop of three once in 10^10 runs.
  BOOST_TEST(*std::min_element(s.served.begin(), s.served.end()) > 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_least_loaded_is_handed_the_next, Place, places) {
  scene<Place> s(sharing::least_loaded);
  s.connect(40);
  BOOST_TEST(std::accumulate(s.served.begin(), s.served.end(), 0) == 40);
  std::array<std::size_t, threads> channels;
  for (std::size_t i = 0; i < threads; ++i) channels[i] = s.group.channels(i);
  // With the listener, 41.
  BOOST_TEST(std::accumulate(channels.begin(), channels.end(), std::size_t{0}) == 41u);
  BOOST_TEST(*std::min_element(channels.begin(), channels.end()) == 13u);
  BOOST_TEST(*std::max_element(channels.begin(), channels.end()) == 14u);
  // Where connections have gone, the next ones come.
  std::vector<unique_fd> kept;
  for (unique_fd& each : s.clients)
    if (asked(each) != '1') kept.push_back(std::move(each));
  const std::size_t gone = s.clients.size() - kept.size();
  s.clients.clear();
  while (s.group.channels(1) > 0) std::this_thread::yield();
  s.served = {};
  s.connect(gone);
  BOOST_TEST(s.served[1] == static_cast<int>(gone));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(all_watch_one_socket, Place, places) {
  scene<Place> s(sharing::exclusive);
  s.connect(60);
  BOOST_TEST(std::accumulate(s.served.begin(), s.served.end(), 0) == 60);
}

// The kernel wakes one loop for a connection; when that has no room, another one accepts.
BOOST_AUTO_TEST_CASE_TEMPLATE(who_is_woken_and_has_no_room_has_others_look, Place, places) {
  constexpr std::size_t room = 2;
  std::atomic<const loop_of<Place>*> nobody = nullptr;
  group_of<Place> group({.threads = threads, .pinned = false});
  const endpoint where = group.template listen<picky<Place>>(
      endpoint::parse("127.0.0.1:0"), sharing::exclusive, &group, 1 + room, &nobody);
  group.start();
  std::vector<unique_fd> clients;
  std::array<std::size_t, threads> served{};
  for (std::size_t i = 0; i < room * threads; ++i) {
    clients.push_back(test::connected_to(where));
    const char answer = asked(clients.back());
    BOOST_REQUIRE((answer >= '0' && answer < static_cast<char>('0' + threads)));
    ++served[static_cast<std::size_t>(answer - '0')];
  }
  for (const std::size_t count : served) BOOST_TEST(count == room);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_does_not_want_to_accept_leaves_it_to_others, Place, places) {
  std::atomic<const loop_of<Place>*> rests = nullptr;
  group_of<Place> group({.threads = threads, .pinned = false});
  const endpoint where = group.template listen<picky<Place>>(
      endpoint::parse("127.0.0.1:0"), sharing::exclusive, &group, std::size_t{1000}, &rests);
  group.start();
  for (std::size_t i = 0; i < threads; ++i) {
    rests = &group[i];
    for (int n = 0; n < 5; ++n) {
      const unique_fd client = test::connected_to(where);
      BOOST_TEST(asked(client) != static_cast<char>('0' + i));
    }
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_leaves_a_thread_stops_all_and_reaches_the_joiner, Place,
                              places) {
  group_of<Place> group({.threads = threads, .pinned = false});
  group.start();
  group[1].post([] { throw asyncore::exit_now(); });
  BOOST_CHECK_THROW(group.join(), asyncore::exit_now);
  group.join();  // reported once
}

// Of several the first is thrown.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_leaves_all_threads_is_thrown_once, Place, places) {
  group_of<Place> group({.threads = threads, .pinned = false});
  group.post_each([](auto&) { throw asyncore::exit_now(); });
  group.start();
  BOOST_CHECK_THROW(group.join(), asyncore::exit_now);
  group.join();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(finish_waits_for_the_last_channel, Place, places) {
  test::ends pair = test::socket_pair();
  group_of<Place> group({.threads = threads, .pinned = false});
  group.template hand_out<answerer<Place>>(asyncore::socket(std::move(pair.near)), &group);
  group.start();
  group.finish();
  BOOST_TEST(asked(pair.far) != '?');
  BOOST_TEST(asked(pair.far) != '?');
  pair.far.reset();
  group.join();
}

// Those that had no channel have ended: who still comes is handed to one that runs.
BOOST_AUTO_TEST_CASE_TEMPLATE(after_finish_those_that_run_are_handed_the_next, Place, places) {
  scene<Place> s(sharing::least_loaded);
  s.group.finish();
  const auto all_others_ended = [&] {
    std::size_t ended = 0;
    for (std::size_t i = 0; i < threads; ++i) ended += s.group.ended(i);
    return ended == threads - 1;
  };
  while (!all_others_ended()) std::this_thread::yield();
  s.connect(4);
  BOOST_TEST(s.served[0] == 4);
}

template <class Place>
struct teller;
template <class Place>
using telling_loop = typename Place::template loop<teller<Place>>;
/// Tells all loops when it ends.
template <class Place>
struct teller : asyncore::dispatcher<teller<Place>, telling_loop<Place>> {
  using group_type = asyncore::loop_group<telling_loop<Place>>;
  teller(telling_loop<Place>& loop, asyncore::socket peer, group_type* group)
      : teller::dispatcher(loop, std::move(peer)), group_(*group) {}
  ~teller() {
    group_.post_each([](auto&) {});
    test::ends pair = test::socket_pair();
    group_.template hand_out<teller>(asyncore::socket(std::move(pair.near)), &group_);
    group_.stop();
  }
  void handle_data(std::span<const std::byte>) {}

 private:
  group_type& group_;
};

template <class Group>
struct posting {
  explicit posting(Group& to) : group(to) {}
  ~posting() { group.post_each([](auto&) {}); }
  Group& group;
};

// Whatever is left when the group ends: channels, and what timers and posted functions own.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_ends_with_the_group_may_post_to_all_loops, Place, places) {
  asyncore::loop_group<telling_loop<Place>> group({.threads = threads, .pinned = false});
  std::vector<test::ends> pairs;
  const auto add = [&](telling_loop<Place>& loop) {
    pairs.push_back(test::socket_pair());
    loop.template emplace<teller<Place>>(asyncore::socket(std::move(pairs.back().near)), &group);
    const auto owner = [&] { return std::make_shared<posting<decltype(group)>>(group); };
    loop.call_later(std::chrono::hours(1), [owned = owner()] {});
    loop.post([owned = owner()] {});
  };
  for (std::size_t i = 0; i < threads; ++i) add(group[i]);
  group.stop();
  group.run();
  for (std::size_t i = 0; i < threads; ++i) BOOST_TEST(group.ended(i));
}

// Its loops take nothing any more.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_second_run_aborts, Place, places) {
  const test::child_end end = test::in_child([] {
    group_of<Place> group({.threads = 1, .pinned = false});
    group.stop();
    group.run();
    group.run();
    return 0;
  });
  BOOST_TEST(end.signal == SIGABRT);
  BOOST_TEST(test::contains(end.text, "a loop_group runs once: make another one"), end.text);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_posted_to_a_loop_that_has_ended_is_destroyed, Place,
                              places) {
  group_of<Place> group({.threads = 2, .pinned = false});
  group.stop();
  group.run();
  const auto owned = std::make_shared<int>();
  group[0].post([owned] { BOOST_ERROR("called"); });
  BOOST_TEST(owned.use_count() == 1);
  group.post_each([owned](auto&) { BOOST_ERROR("called"); });
  BOOST_TEST(owned.use_count() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_cannot_be_made_is_closed, Place, places) {
  test::ends one = test::socket_pair(), other = test::socket_pair();
  std::string said;
  {
    group_of<Place> group({.threads = 1, .pinned = false});
    const int fd = one.near.get();
    auto make = [&](unique_fd end) {
      group.template hand_out<answerer<Place>>(asyncore::socket(std::move(end)), &group);
    };
    make(std::move(one.near));
    make(unique_fd(fd));  // the map has it already
    group.finish();
    said = test::stderr_of([&] {
      group.start();
      BOOST_TEST(test::at_end(one.far));
      group.join();
    });
    make(std::move(other.near));  // nobody will
  }
  BOOST_TEST(test::contains(said, "uncaught exception from a posted function"), said);
  BOOST_TEST(test::at_end(other.far));
}

// Statistics are read while the loops run.
BOOST_AUTO_TEST_CASE(statistics_can_be_read_meanwhile) {
  using place = test::place<asyncore::observed<asyncore::poll_poller, asyncore::loop_statistics>,
                            test::dense, true>;
  scene<place> s(sharing::least_loaded);
  std::vector<const asyncore::loop_statistics*> all;
  for (std::size_t i = 0; i < threads; ++i) all.push_back(&s.group[i].observer());
  std::string text;
  test::stderr_of([&] {
    s.group[0].post([&] { s.group[0].observer().set_slow_after({}); });  // everything is slow
    for (int i = 0; i < 10; ++i) {
      s.connect(1);
      text.clear();
      asyncore::append_prometheus(text, all);
    }
    s.group.stop();
    s.group.join();
  });
  BOOST_TEST(test::contains(text, "hook=\"handle_accepted\"} "), text);
  std::uint64_t received = 0;
  for (const asyncore::loop_statistics* each : all) received += each->bytes_received();
  BOOST_TEST(received == 10u);
}

#if ASYNCORE_HAS_AFFINITY
BOOST_AUTO_TEST_CASE(threads_stay_on_their_processors) {
  using place = std::tuple_element_t<0, places>;
  const std::vector<int> usable = asyncore::usable_processors();
  BOOST_TEST((asyncore::stay_on_processor(-1) == std::errc::invalid_argument));
  group_of<place> group({.threads = usable.size() + 1, .pinned = true});
  std::vector<std::promise<std::vector<int>>> found(group.size());
  for (std::size_t i = 0; i < group.size(); ++i)
    group[i].post([&found, i] { found[i].set_value(asyncore::usable_processors()); });
  group.start();
  for (std::size_t i = 0; i < group.size(); ++i)
    BOOST_TEST((found[i].get_future().get() == std::vector{usable[i % usable.size()]}));
  BOOST_TEST((asyncore::usable_processors() == usable));
}

// As many as there are processors, when nobody says how many.
BOOST_AUTO_TEST_CASE(there_is_a_loop_for_each_processor) {
  using place = std::tuple_element_t<0, places>;
  BOOST_TEST(group_of<place>().size() == asyncore::usable_processors().size());
}
#endif

#if ASYNCORE_HAS_EPOLL
// Of what the kernel says it watches for (proc(5), fdinfo): EPOLLIN, EPOLLEXCLUSIVE, and 8 and 16.
BOOST_AUTO_TEST_CASE(epoll_is_told_to_wake_one) {
  using place = test::place<asyncore::epoll_poller, test::dense, true>;
  group_of<place> group({.threads = 2, .pinned = false});
  group.listen<server<place>>(endpoint::parse("127.0.0.1:0"), sharing::exclusive, &group, false);
  group[1].poll();
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(group[1].native_handle()));
  const std::string watched((std::istreambuf_iterator<char>(info)), {});
  BOOST_TEST(test::contains(watched, "events: 10000019"), watched);
}

BOOST_AUTO_TEST_CASE(what_epoll_watches_so_can_change) {
  asyncore::epoll_poller poller;
  const unique_fd listener = test::tcp_listener();
  const asyncore::token id{listener.get(), 1};
  const auto reports = [&] {
    int count = 0;
    poller.wait(std::chrono::nanoseconds(0), [&](asyncore::token t, asyncore::readiness) {
      count += t.generation == 1;
    });
    return count;
  };
  BOOST_TEST(!poller.add_exclusive(id, asyncore::interest::read));
  const unique_fd client = test::connected_to(test::name_of(listener.get()));
  BOOST_TEST(reports() == 1);
  BOOST_TEST(!poller.modify(id, asyncore::interest::none));
  BOOST_TEST(reports() == 0);
  BOOST_TEST(!poller.modify(id, asyncore::interest::read));
  BOOST_TEST(reports() == 1);
  poller.remove(id);
  BOOST_TEST(reports() == 0);
  BOOST_TEST((poller.add_exclusive({-1, 1}, asyncore::interest::read) ==
              std::errc::bad_file_descriptor));
}
#endif

BOOST_AUTO_TEST_SUITE(without_descriptors, *boost::unit_test::label("native"))

// Without wakers the loops hear the group's end all the same.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_group_ends, Place, places) {
  const std::string text = test::stderr_of([] {
    group_of<Place> group({.threads = 4, .pinned = false});
    const unique_fd next = test::checked(::dup(STDERR_FILENO));
    const test::descriptor_limit few(next.get() + 2);
    group.start();
    group.stop();
    group.join();
  });
  BOOST_TEST(test::contains(text, "waker"), text);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

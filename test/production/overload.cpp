// SPDX-License-Identifier: BSL-1.0
// More than there is room for: a cap on connections, no descriptor for most of those who come, and
// peers that dawdle.
#include <asyncore.hpp>

#include "../support/descriptor_limit.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/standard_error.hpp"
#include "../support/turns.hpp"
#include "../support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;

/// What a server does beyond its limit.
struct terms {
  std::size_t limit;
  std::chrono::nanoseconds patience{0};  // for a line of the peer; 0: for ever
  int accepted = 0;
  int most = 0;  // connections at a time
  int now = 0;
  int timeouts = 0;
};

template <class Place, bool TurnsAway>
struct server;
template <class Place, bool TurnsAway>
struct session;
template <class Place, bool TurnsAway>
using loop_of =
    typename Place::template loop<server<Place, TurnsAway>, session<Place, TurnsAway>>;

/// Answers a line that comes within its time with a line, and leaves.
template <class Place, bool TurnsAway>
struct session : asyncore::dispatcher_with_send<session<Place, TurnsAway>, loop_of<Place, TurnsAway>>,
                 asyncore::deadline<session<Place, TurnsAway>, loop_of<Place, TurnsAway>> {
  using loop_type = loop_of<Place, TurnsAway>;
  session(loop_type& loop, asyncore::socket peer, terms& of)
      : session::dispatcher_with_send(loop, std::move(peer)), it(of) {
    if (++it.now > it.most) it.most = it.now;
    if (it.patience > 0s) this->set_deadline(it.patience);
  }
  ~session() { --it.now; }
  void handle_data(std::span<const std::byte> data) {
    if (asyncore::as_text(data).find('\n') == std::string_view::npos) return;
    this->clear_deadline();
    this->send("answer\n");
  }
  void handle_close() { this->close(); }
  void handle_timeout() {
    ++it.timeouts;
    this->close();
  }
  terms& it;
};

template <class Place, bool TurnsAway>
struct server : asyncore::dispatcher<server<Place, TurnsAway>, loop_of<Place, TurnsAway>> {
  using loop_type = loop_of<Place, TurnsAway>;
  static constexpr bool turns_away = TurnsAway;
  server(loop_type& loop, terms& of)
      : server::dispatcher(loop), connection_limit(of.limit), it(of) {
    this->create_socket();
    this->bind(asyncore::endpoint::parse("127.0.0.1:0"));
    this->listen(4096);
  }
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    ++it.accepted;
    this->loop().template emplace<session<Place, TurnsAway>>(std::move(peer), it);
  }
  std::size_t connection_limit;
  terms& it;
};

template <class Place, bool TurnsAway = false>
struct scene {
  explicit scene(std::size_t limit = 1'000'000) : it{limit} { clock::reset(); }
  terms it;
  loop_of<Place, TurnsAway> loop;
  server<Place, TurnsAway>& listener =
      loop.template emplace<server<Place, TurnsAway>>(it);
};

bool is_closed(const test::unique_fd& fd) {
  char byte;
  const ssize_t n = ::read(fd.get(), &byte, 1);
  return n == 0 || (n < 0 && errno == ECONNRESET);
}

/// Every poller.
using places = std::tuple<
#if ASYNCORE_HAS_EPOLL
    test::place<asyncore::epoll_poller, test::dense, true>,
#endif
    test::place<asyncore::poll_poller, test::hashed, false>,
    test::place<asyncore::select_poller, test::dense, true>>;

/// A table with room for so many and no more.
struct eight {
  static constexpr std::size_t room = 8;
  template <class... Channels>
  using of = asyncore::fixed_fd_table<room, Channels...>;
};
using fixed_places = std::tuple<
#if ASYNCORE_HAS_EPOLL
    test::place<asyncore::epoll_poller, eight, false>,
#endif
    test::place<asyncore::select_poller, eight, true>>;

}  // namespace

BOOST_AUTO_TEST_SUITE(overload)

BOOST_AUTO_TEST_CASE_TEMPLATE(beyond_the_limit_they_wait_for_one_to_close, Place, places) {
  scene<test::timeless<Place>> s(4);  // the listener and three
  std::vector<test::unique_fd> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(test::connected_to(s.listener.local_addr()));
    test::put(clients.back(), "ask\n");
  }
  for (std::size_t done = 0; done < clients.size(); ++done) {
    std::string answer;
    for (int left = 100'000; left > 0 && answer.empty(); --left) {
      s.loop.poll(0ns);
      answer = test::take(clients[done]);
    }
    BOOST_TEST(answer == "answer\n");
    clock::waits.clear();
    test::turn(s.loop, 5);
    s.loop.poll(1h);  // quiet, and without an end of its own
    BOOST_TEST((clock::waits.back() == asyncore::timeout_type(1h)));
    clients[done].reset();
  }
  BOOST_TEST(s.it.accepted == 10);
  BOOST_TEST(s.it.most == 3);
}

// More of them than the loop remembers.
BOOST_AUTO_TEST_CASE_TEMPLATE(any_number_of_listeners_waits, Place, places) {
  scene<test::timeless<Place>> s(11);  // ten listeners and one
  std::vector<server<test::timeless<Place>, false>*> listeners{&s.listener};
  while (listeners.size() < 10)
    listeners.push_back(
        &s.loop.template emplace<server<test::timeless<Place>, false>>(s.it));
  std::vector<test::unique_fd> clients;
  for (auto* each : listeners) clients.push_back(test::connected_to(each->local_addr()));
  for (auto& client : clients) test::put(client, "ask\n");
  int answered = 0;
  for (int left = 100'000; left > 0 && answered < 10; --left) {
    s.loop.poll(0ns);
    for (auto& client : clients) {
      if (!client || test::take(client).empty()) continue;
      client.reset();
      ++answered;
    }
  }
  BOOST_TEST(answered == 10);
  BOOST_TEST(s.it.most == 1);
}

// A table that does not grow has room for the listener and seven.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_limit_of_its_size_keeps_a_fixed_table_from_refusing, Place,
                              fixed_places) {
  scene<test::timeless<Place>> s(eight::room);
  std::vector<test::unique_fd> clients;
  int answered = 0;
  const std::string said = test::stderr_of([&] {
    for (int i = 0; i < 20; ++i) {
      clients.push_back(test::connected_to(s.listener.local_addr()));
      test::put(clients.back(), "ask\n");
    }
    for (auto& client : clients) {
      std::string answer;
      for (int left = 100'000; left > 0 && answer.empty(); --left) {
        s.loop.poll(0ns);
        answer = test::take(client);
      }
      answered += answer == "answer\n";
      client.reset();
    }
  });
  BOOST_TEST(said == "");
  BOOST_TEST(answered == 20);
  BOOST_TEST(s.it.accepted == 20);
  BOOST_TEST(s.it.most == 7);
}

// Of those beyond, each is told at once, by its end; so is a channel of the program's own.
BOOST_AUTO_TEST_CASE_TEMPLATE(beyond_a_fixed_table_they_are_refused, Place, fixed_places) {
  using place = test::timeless<Place>;
  scene<place> s(eight::room + 1);
  std::vector<test::unique_fd> clients;
  const std::string said = test::stderr_of([&] {
    for (int i = 0; i < 10; ++i) clients.push_back(test::connected_to(s.listener.local_addr()));
    for (int left = 100'000; left > 0 && !is_closed(clients.back()); --left) s.loop.poll(0ns);
  });
  BOOST_TEST(s.it.accepted == 7);
  for (std::size_t i = 0; i < clients.size(); ++i) BOOST_TEST(is_closed(clients[i]) == (i >= 7));
  BOOST_TEST(test::contains(said, "accept: connection from 127.0.0.1:"), said);
  BOOST_TEST(test::contains(said, " refused, fd "), said);
  BOOST_TEST(test::contains(said, ": No buffer space available"), said);
  test::ends pair = test::socket_pair();
  BOOST_CHECK_EXCEPTION(
      (s.loop.template emplace<session<place, false>>(asyncore::socket(std::move(pair.near)),
                                                      s.it)),
      std::system_error, [](const std::system_error& e) {
        return e.code() == std::errc::no_buffer_space && test::contains(e.what(), "set_socket: fd ");
      });
  BOOST_TEST(is_closed(pair.far));
  BOOST_TEST(s.loop.size() == eight::room);
  // Those inside are served, and when one leaves there is room for one.
  test::put(clients[3], "ask\n");
  std::string answer;
  for (int left = 100'000; left > 0 && answer.empty(); --left) {
    s.loop.poll(0ns);
    answer = test::take(clients[3]);
  }
  BOOST_TEST(answer == "answer\n");
  clients[0].reset();
  for (int left = 100'000; left > 0 && s.it.now == 7; --left) s.loop.poll(0ns);
  const auto late = test::connected_to(s.listener.local_addr());
  for (int left = 100'000; left > 0 && s.it.accepted == 7; --left) s.loop.poll(0ns);
  BOOST_TEST(s.it.accepted == 8);
  BOOST_TEST(!is_closed(late));
}

// The cap is the kernel's: 1,500 at once, and a hundred descriptors.
BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE_TEMPLATE(most_of_them_wait_for_a_descriptor, Place, places) {
  if (std::is_same_v<typename Place::poller, asyncore::select_poller>) return;  // has no 1,500
  const test::descriptor_limit many(2000);
  if (!many) return;
  scene<Place> s;
  std::vector<test::unique_fd> room, clients;
  while (room.size() < 100) room.push_back(test::checked(::dup(0)));
  while (clients.size() < 1500) {
    clients.push_back(test::connected_to(s.listener.local_addr()));
    test::put(clients.back(), "ask\n");
  }
  room.clear();
  const test::descriptor_limit few(clients.front().get());
  std::size_t answered = 0;
  BOOST_TEST(test::turn_until(s.loop, [&] {
    for (auto& client : clients) {
      if (!client || test::take(client) != "answer\n") continue;
      client.reset();
      ++answered;
    }
    return answered == 1500;
  }));
  BOOST_TEST(s.it.accepted == 1500);
  BOOST_TEST(s.it.most <= 100);
}

// With a reserve, those who wait are told at once; and it is there again for the next ones.
BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE_TEMPLATE(or_are_turned_away_at_once, Place, places) {
  scene<test::timeless<Place>, true> s;
  auto established = test::connected_to(s.listener.local_addr());
  test::turn(s.loop, 3);
  std::vector<test::unique_fd> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(test::connected_to(s.listener.local_addr()));
  {
    const int lowest = test::checked(::dup(established.get())).get();
    const test::descriptor_limit none(lowest);
    for (int left = 100'000; left > 0 && !is_closed(clients.back()); --left) s.loop.poll(0ns);
    for (auto& client : clients) BOOST_TEST(is_closed(client));
    BOOST_TEST(s.it.accepted == 1);
    test::put(established, "ask\n");
    std::string answer;
    for (int left = 100'000; left > 0 && answer.empty(); --left) {
      s.loop.poll(0ns);
      answer = test::take(established);
    }
    BOOST_TEST(answer == "answer\n");
    BOOST_CHECK(clock::passed() == 0ns);
  }
  const auto late = test::connected_to(s.listener.local_addr());
  test::turn(s.loop, 3);
  BOOST_TEST(s.it.accepted == 2);
}

// A byte a second for the head: the deadline for all of it stands.
BOOST_AUTO_TEST_CASE_TEMPLATE(slowloris_has_its_time_and_no_more, Place, places) {
  scene<test::timeless<Place>> s;
  s.it.patience = 10s;
  std::vector<test::unique_fd> clients;
  while (clients.size() < 50) clients.push_back(test::connected_to(s.listener.local_addr()));
  s.loop.call_every(1s, [&] {
    for (auto& client : clients)
      if (s.it.now > 0) (void)!::send(client.get(), "x", 1, MSG_NOSIGNAL);
  });
  for (int left = 10'000; left > 0 && s.it.timeouts < 50; --left) s.loop.poll({});
  BOOST_TEST(s.it.timeouts == 50);
  BOOST_TEST(s.it.now == 0);
  BOOST_CHECK(clock::passed() >= 10s && clock::passed() <= 12s);
  for (auto& client : clients) BOOST_TEST(is_closed(client));
}

BOOST_AUTO_TEST_SUITE_END()

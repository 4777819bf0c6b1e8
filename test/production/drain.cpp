// SPDX-License-Identifier: BSL-1.0
// loop.drain: accepting ends, channels finish, and what has not by the deadline is closed.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"
#include "../support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <tuple>

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;

template <class Place>
struct listener;
template <class Place>
struct sender;
template <class Place>
struct talker;
template <class Place>
struct patient;
template <class Place>
using loop_of = typename test::timeless<Place>::template loop<listener<Place>, sender<Place>,
                                                             talker<Place>, patient<Place>>;

template <class Place>
struct listener : asyncore::dispatcher<listener<Place>, loop_of<Place>> {
  explicit listener(loop_of<Place>& loop) : listener::dispatcher(loop) {
    this->create_socket();
    this->bind(asyncore::endpoint::parse("127.0.0.1:0"));
    this->listen();
  }
  void handle_accepted(asyncore::socket, asyncore::endpoint) {}
};
template <class Place>
struct sender : asyncore::dispatcher_with_send<sender<Place>, loop_of<Place>> {
  sender(loop_of<Place>& loop, asyncore::unique_fd fd)
      : sender::dispatcher_with_send(loop, asyncore::socket(std::move(fd))) {}
  void handle_data(std::span<const std::byte>) {}
  void handle_close() { this->close(); }
};
template <class Place>
struct talker : asyncore::async_chat<talker<Place>, loop_of<Place>> {
  talker(loop_of<Place>& loop, asyncore::unique_fd fd)
      : talker::async_chat(loop, asyncore::socket(std::move(fd))) {}
  void collect_incoming_data(std::span<const std::byte>) {}
  void found_terminator() {}
};
/// Finishes when it has been asked something.
template <class Place>
struct patient : asyncore::dispatcher_with_send<patient<Place>, loop_of<Place>> {
  patient(loop_of<Place>& loop, asyncore::unique_fd fd, std::string& notes)
      : patient::dispatcher_with_send(loop, asyncore::socket(std::move(fd))), said(notes) {}
  void handle_data(std::span<const std::byte> data) {
    said += asyncore::as_text(data);
    this->send("answer");
    if (draining) this->close_when_done();
  }
  void handle_drain() {
    said += "drain ";
    draining = true;
    if (throws) throw std::runtime_error("not now");
  }
  void handle_error() {
    said += "error ";
    this->close();
  }
  std::string& said;
  bool draining = false;
  bool throws = false;
};

template <class Place>
struct scene {
  scene() { clock::reset(); }
  template <class Channel, class... Args>
  Channel& make(test::ends& pair, Args&&... args) {
    pair = test::tcp_pair();
    test::limit_buffers(pair);
    return loop.template emplace<Channel>(std::move(pair.near), std::forward<Args>(args)...);
  }
  test::ends one, two;
  loop_of<Place> loop;
};

/// Reads until the end of the stream or until there is nothing, and adds it to `got`.
bool ended(const test::unique_fd& fd, std::string& got) {
  char piece[4096];
  ssize_t n = 0;
  while ((n = ::read(fd.get(), piece, sizeof piece)) > 0)
    got.append(piece, static_cast<std::size_t>(n));
  return n == 0;
}

/// Every poller.
using places = std::tuple<
#if ASYNCORE_HAS_EPOLL
    test::place<asyncore::epoll_poller, test::fixed, false>,
#endif
    test::place<asyncore::poll_poller, test::dense, true>,
    test::place<asyncore::select_poller, test::hashed, false>>;

}  // namespace

BOOST_AUTO_TEST_SUITE(draining)

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_sent_arrives, Place, places) {
  scene<Place> s;
  auto& server = s.loop.template emplace<listener<Place>>();
  const auto where = server.local_addr();
  const std::string much(1'000'000, 'x');
  s.template make<sender<Place>>(s.one).send(much);
  s.template make<talker<Place>>(s.two).push(much);
  s.loop.call_every(1h, [] {});  // is not waited for
  s.loop.drain(10s);
  const test::unique_fd late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  BOOST_TEST(::connect(late.get(), where.data(), where.size()) == -1);
  std::string first, second;
  bool one = false, two = false;
  for (int left = 100'000; left > 0 && !(one && two); --left) {
    s.loop.poll(0ns);
    one = one || ended(s.one.far, first);
    two = two || ended(s.two.far, second);
  }
  BOOST_TEST((first == much && second == much));
  BOOST_TEST(s.loop.size() == 1u);  // lingers: its peer has not ended
  s.one.far.reset();
  s.loop.run({.timeout = {}});
  BOOST_TEST(s.loop.empty());
  BOOST_CHECK(clock::passed() == 0ns);
  // It is over: another run lasts again.
  s.loop.run({.timeout = 1min, .count = 2});
  BOOST_CHECK(clock::passed() == 2min);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_rest_is_closed_at_the_deadline, Place, places) {
  scene<Place> s;
  s.template make<sender<Place>>(s.one).send(std::string(3'000'000, 'x'));
  s.template make<talker<Place>>(s.two).push(std::string(3'000'000, 'x'));
  s.loop.drain(10s);
  s.loop.run({.timeout = {}});
  BOOST_CHECK(clock::passed() == 10s);
  BOOST_TEST(s.loop.empty());
  BOOST_TEST(test::at_end(s.one.far));
  BOOST_TEST(test::at_end(s.two.far));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_class_finishes_in_its_way, Place, places) {
  scene<Place> s;
  std::string said, other;
  s.template make<patient<Place>>(s.one, said);
  s.template make<patient<Place>>(s.two, other).throws = true;
  s.loop.call_later(1s, [&] { s.loop.drain(1min); });
  s.loop.call_later(2s, [&] {
    BOOST_TEST(said == "drain ");
    BOOST_TEST(other == "drain error ");
    test::put(s.one.far, "question");
  });
  s.loop.call_later(3s, [&] {
    std::string answer;
    BOOST_TEST(ended(s.one.far, answer));
    BOOST_TEST(answer == "answer");
    s.one.far.reset();
  });
  s.loop.run({.timeout = {}});
  BOOST_TEST(said == "drain question");
  BOOST_CHECK(clock::passed() >= 3s && clock::passed() < 1min);
}

// Such as a connection that another loop has handed over.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_posted_comes_in_time, Place, places) {
  scene<Place> s;
  std::string said;
  const auto hand_over = [&] {
    s.template make<patient<Place>>(s.one, said);
    test::put(s.one.far, "question");
    s.loop.call_later(1s, [&] { s.one.far.reset(); });
  };
  s.loop.post([&] {
    s.loop.drain(10s);
    s.loop.post(hand_over);
  });
  s.loop.run({.timeout = {}});
  BOOST_TEST(said == "question");
  BOOST_CHECK(clock::passed() == 1s);
  // Not without end.
  std::function<void()> again = [&] {
    clock::advance(1ms);
    s.loop.post(again);
  };
  s.loop.drain(1s);
  s.loop.post(again);
  s.loop.run({.timeout = {}});
  BOOST_CHECK(clock::passed() >= 2s && clock::passed() < 3s);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_deadline_may_be_moved, Place, places) {
  scene<Place> s;
  std::string said;
  s.template make<patient<Place>>(s.one, said);
  s.loop.drain(std::chrono::hours::max());
  s.loop.call_later(1s, [&] { s.loop.drain(0s); });
  s.loop.run({.timeout = {}});
  BOOST_CHECK(clock::passed() == 1s);
  BOOST_TEST(said == "drain ");  // told once
  // And when there is nothing to wait for.
  s.loop.call_every(1h, [] {});
  s.loop.drain(10s);
  s.loop.run({.timeout = {}});
  BOOST_CHECK(clock::passed() == 1s);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
// A channel's own deadline, in virtual time.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/standard_error.hpp"
#include "../support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <functional>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;

template <class Place>
struct session;
template <class Place>
using loop_of = typename test::timeless<Place>::template loop<session<Place>>;

template <class Place>
struct session : asyncore::dispatcher_with_send<session<Place>, loop_of<Place>>,
                 asyncore::deadline<session<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<session<Place>, loop_of<Place>>;
  session(loop_of<Place>& loop, test::outcome& result, asyncore::socket peer)
      : base(loop, std::move(peer)), got(result) {}
  session(loop_of<Place>& loop, test::outcome& result) : base(loop), got(result) {}
  ~session() { ++got.destroyed; }
  void handle_data(std::span<const std::byte> data) {
    got.received += asyncore::as_text(data);
    this->set_deadline(10s);
  }
  void handle_timeout() {
    got.received += "timeout" + std::to_string(clock::passed() / 1s) + " ";
    if (on_timeout) on_timeout(*this);
  }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  void log(std::string_view message) { got.logged += message; }
  test::outcome& got;
  std::function<void(session&)> on_timeout;
};

template <class Place>
struct scene {
  scene() { clock::reset(); }
  test::outcome got;
  test::ends pair = test::socket_pair();
  loop_of<Place> loop;
  session<Place>& channel =
      loop.template emplace<session<Place>>(got, asyncore::socket(std::move(pair.near)));
};

BOOST_FIXTURE_TEST_SUITE(deadlines, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(passes_once, Place, test::matrix) {
  scene<Place> s;
  BOOST_TEST(!s.channel.has_deadline());
  s.channel.set_deadline(10s);
  BOOST_TEST(s.channel.has_deadline());
  s.loop.run({.timeout = 1h, .count = 3});
  BOOST_TEST(s.got.received == "timeout10 ");
  BOOST_TEST(!s.channel.has_deadline());
}

// It would pass while nobody is there to be told.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_channel_without_a_descriptor_has_none, Place, test::matrix) {
  scene<Place> s;
  session<Place> empty(s.loop, s.got);
  const auto refused = [](const std::system_error& e) { return e.code().value() == EBADF; };
  BOOST_CHECK_EXCEPTION(empty.set_deadline(1s), std::system_error, refused);
  BOOST_TEST(!empty.has_deadline());
  // A hook that has just closed its channel says nothing new by it.
  s.channel.close();
  s.channel.set_deadline(1s);
  BOOST_TEST(!s.channel.has_deadline());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(activity_moves_it, Place, test::matrix) {
  scene<Place> s;
  s.channel.set_deadline(10s);
  std::int64_t last = 0;
  for (int i = 0; i < 4; ++i) {
    last = clock::passed() / 1s;
    test::put(s.pair.far, "x");
    s.loop.poll(8s);  // does not wait
    s.loop.poll(8s);
  }
  BOOST_TEST(s.got.received == "xxxx");
  s.loop.run({.timeout = 1h, .count = 2});
  BOOST_TEST(s.got.received == "xxxxtimeout" + std::to_string(last + 10) + " ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(may_be_moved_to_earlier_and_cleared, Place, test::matrix) {
  scene<Place> s;
  s.channel.set_deadline(1h);
  s.channel.set_deadline(5s);
  s.loop.run({.timeout = 1min, .count = 2});
  BOOST_TEST(s.got.received == "timeout5 ");
  s.channel.set_deadline(1s);
  s.channel.clear_deadline();
  BOOST_TEST(!s.channel.has_deadline());
  s.loop.run({.timeout = 1min, .count = 3});
  BOOST_TEST(s.got.received == "timeout5 ");
  s.channel.set_deadline(2s);
  s.channel.set_deadline(std::chrono::hours::max());
  s.loop.run({.timeout = 1min, .count = 3});
  BOOST_TEST(s.got.received == "timeout5 ");
  s.channel.set_deadline(-1s);
  s.loop.poll();
  BOOST_TEST(test::contains(s.got.received, "timeout5 timeout"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_hook_may_set_it_again_or_close, Place, test::matrix) {
  scene<Place> s;
  int times = 0;
  s.channel.on_timeout = [&](auto& self) {
    if (++times < 3) return self.set_deadline(1s);
    self.send("too late");
    self.close();
  };
  s.channel.set_deadline(0s);
  s.loop.run();  // ends: a deadline ends with its channel
  BOOST_TEST(s.got.received == "timeout0 timeout1 timeout2 ");
  BOOST_TEST(s.got.destroyed == 1);
  BOOST_TEST(test::take(s.pair.far) == "too late");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_it_sends_leaves_before_the_next_wait, Place, test::matrix) {
  scene<Place> s;
  s.channel.on_timeout = [&](auto& self) { self.send("ping"); };
  s.channel.set_deadline(1s);
  s.loop.run({.timeout = 1h, .count = 2});
  BOOST_TEST(test::take(s.pair.far) == "ping");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_it_throws_is_that_channels_error, Place, test::matrix) {
  scene<Place> s;
  s.channel.on_timeout = [](auto&) { throw std::runtime_error("lost patience"); };
  s.channel.set_deadline(1s);
  s.loop.run();
  BOOST_TEST(test::contains(s.got.logged, "lost patience"), s.got.logged);
  BOOST_TEST(s.got.closes == 1);
}

// Of those that are due in one turn, one destroys another.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_closed_channel_has_none, Place, test::matrix) {
  scene<Place> s;
  test::outcome other_got;
  test::ends other_pair = test::socket_pair();
  std::optional<session<Place>> other(std::in_place, s.loop, other_got,
                                      asyncore::socket(std::move(other_pair.near)));
  s.channel.set_deadline(1s);
  other->set_deadline(1s);
  s.channel.on_timeout = [&](auto& self) {
    other.reset();
    self.close();
  };
  s.loop.run();
  BOOST_TEST(other_got.received == "");
  // Closed, and given another socket.
  session<Place> again(s.loop, other_got);
  other_pair = test::socket_pair();
  again.set_socket(asyncore::socket(std::move(other_pair.near)));
  again.set_deadline(1s);
  again.close();
  other_pair = test::socket_pair();
  again.set_socket(asyncore::socket(std::move(other_pair.near)));
  s.loop.run({.timeout = 1min, .count = 3});
  BOOST_TEST(other_got.received == "");
  again.set_deadline(1s);
  again.del_channel();
  s.loop.run({.timeout = 1min, .count = 3});
  BOOST_TEST(other_got.received == "");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_channel_may_outlive_its_loop, Place, test::matrix) {
  clock::reset();
  test::outcome got;
  test::ends pair = test::socket_pair();
  std::optional<loop_of<Place>> loop(std::in_place);
  {
    session<Place> channel(*loop, got, asyncore::socket(std::move(pair.near)));
    channel.set_deadline(1s);
    loop.reset();
  }
  BOOST_TEST(got.destroyed == 1);
}

// The deadline weighs six words and nothing on the heap.
using place = test::place<asyncore::poll_poller, test::dense, true>;
static_assert(sizeof(asyncore::deadline<session<place>, loop_of<place>>) == 6 * sizeof(void*));

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

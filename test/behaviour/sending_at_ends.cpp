// SPDX-License-Identifier: BSL-1.0
// Sending that seldom goes that way: without a socket, behind its end, while hooks end the channel.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace std::chrono_literals;

template <class Place>
struct stream;
template <class Place>
struct chat;
template <class Place>
struct high_only;
template <class Place>
using loop_of = typename Place::template loop<stream<Place>, chat<Place>, high_only<Place>>;

/// What happened, where it outlives its channel.
struct story {
  std::string said;
  std::function<void()> on_data, on_high, on_writable, on_close;
  bool writes = false;
  bool echoes = false;
};
void call(const std::function<void()>& f) {
  if (const auto copy = f) copy();
}

template <class Place>
struct stream : asyncore::dispatcher_with_send<stream<Place>, loop_of<Place>> {
  static constexpr std::size_t high_watermark = 10'000;
  stream(loop_of<Place>& loop, story& of) : stream::dispatcher_with_send(loop), it(of) {}
  stream(loop_of<Place>& loop, story& of, asyncore::unique_fd fd)
      : stream::dispatcher_with_send(loop, asyncore::socket(std::move(fd))), it(of) {}
  bool writable() const {
    const bool writes = it.writes;
    call(it.on_writable);
    return writes;
  }
  void handle_data(std::span<const std::byte> data) {
    it.said += asyncore::as_text(data);
    if (it.echoes) this->send(data);
    call(it.on_data);
  }
  void handle_write() { it.said += "write "; }
  void handle_high_water() {
    it.said += "high ";
    call(it.on_high);
  }
  void handle_close() {
    it.said += "close ";
    if (it.on_close) return call(it.on_close);
    this->close();
  }
  story& it;
};

template <class Place>
struct chat : asyncore::async_chat<chat<Place>, loop_of<Place>> {
  chat(loop_of<Place>& loop, story& of) : chat::async_chat(loop), it(of) {
    this->set_terminator("\n");
  }
  chat(loop_of<Place>& loop, story& of, asyncore::unique_fd fd)
      : chat::async_chat(loop, asyncore::socket(std::move(fd))), it(of) {
    this->set_terminator("\n");
  }
  void collect_incoming_data(std::span<const std::byte> data) {
    it.said += asyncore::as_text(data);
  }
  void found_terminator() {
    it.said += "|";
    call(it.on_data);
  }
  void handle_connect() { it.said += "connect "; }
  void handle_error() { it.said += "error "; }
  void handle_close() {
    it.said += "close ";
    this->close();
  }
  story& it;
};

/// Of the marks it knows one.
template <class Place>
struct high_only : asyncore::dispatcher_with_send<high_only<Place>, loop_of<Place>> {
  static constexpr std::size_t high_watermark = 100'000, low_watermark = 10'000;
  high_only(loop_of<Place>& loop, asyncore::unique_fd fd)
      : high_only::dispatcher_with_send(loop, asyncore::socket(std::move(fd))) {}
  void handle_data(std::span<const std::byte>) {}
  void handle_high_water() { ++highs; }
  int highs = 0;
};

struct asking {
  std::function<std::string()> ask;
  std::string more() { return ask(); }
};

template <class Place>
struct scene {
  scene() { test::limit_buffers(pair); }
  story it;
  test::ends pair = test::tcp_pair();
  loop_of<Place> loop;

  template <template <class> class Kind>
  Kind<Place>& emplace() {
    return loop.template emplace<Kind<Place>>(it, std::move(pair.near));
  }
};

const std::string much(4'000'000, 'x');

BOOST_FIXTURE_TEST_SUITE(rare_sends, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(without_a_socket, Place, test::one_a_poller) {
  scene<Place> s;
  stream<Place> one(s.loop, s.it);
  one.abort();
  one.close_when_done();
  one.del_channel();
  std::error_code failed;
  one.shutdown(SHUT_WR, failed);
  BOOST_TEST(!!failed);
  chat<Place> two(s.loop, s.it);
  two.push_with_producer(asyncore::simple_producer("never sent"));
  BOOST_TEST(two.push("nor this").closed());
  two.close_when_done();
  test::turn(s.loop);
  BOOST_TEST(s.it.said == "");
  BOOST_TEST(s.loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_drain_closes_what_is_not_connected, Place, test::one_a_poller) {
  scene<Place> s;
  chat<Place> idle(s.loop, s.it), attempt(s.loop, s.it);
  idle.create_socket();
  const test::unique_fd listener = test::tcp_listener();
  attempt.create_socket();
  attempt.connect(test::name_of(listener.get()));
  attempt.push("hello");
  BOOST_TEST(attempt.connecting());
  s.loop.drain(std::chrono::nanoseconds::max());
  BOOST_TEST(idle.native_handle() == -1);
  test::unique_fd peer;
  std::string got;
  BOOST_TEST(test::turn_until(s.loop, [&] {
    if (peer.get() < 0) {
      asyncore::endpoint from;
      const int fd = test::sys().accept(listener.get(), from);
      if (fd >= 0) peer = test::own(fd);
    } else {
      got += test::take(peer);
      if (got == "hello") peer.reset();
    }
    return s.loop.empty();
  }));
  BOOST_TEST(got == "hello");
}

#if ASYNCORE_HAS_EXCEPTIONS
// What a hook that threw has left comes before the next wait: a hook that ends the channel there.
BOOST_AUTO_TEST_CASE_TEMPLATE(input_that_is_left_may_end_the_channel, Place, test::one_a_poller) {
  scene<Place> s;
  auto channel = std::make_unique<chat<Place>>(s.loop, s.it, std::move(s.pair.near));
  int found = 0;
  s.it.on_data = [&] {
    if (++found == 1) throw std::runtime_error("first");
    channel.reset();
  };
  test::put(s.pair.far, "one\ntwo\nthree\n");
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.loop.empty(); }));
  BOOST_TEST(s.it.said == "one|error two|");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(producers_that_throw_and_end_it, Place, test::one_a_poller) {
  for (const bool destroys : {false, true}) {
    scene<Place> s;
    auto channel = std::make_unique<chat<Place>>(s.loop, s.it, std::move(s.pair.near));
    int asked = 0;
    channel->push(much);  // so that it is asked in a turn
    channel->push_with_producer(asking{[&]() -> std::string {
      ++asked;
      if (destroys) {
        channel.reset();
      } else {
        channel->discard_buffers();
      }
      throw std::runtime_error("and throws");
    }});
    std::size_t taken = 0;
    BOOST_TEST(test::turn_until(s.loop, [&] {
      taken += test::take(s.pair.far).size();
      return asked > 0;
    }));
    test::turn(s.loop, 3);
    BOOST_TEST(asked == 1);
    BOOST_TEST(s.loop.empty() == destroys);
    if (!destroys) {
      channel->push("goes on");
      std::string got;
      BOOST_TEST(test::turn_until(s.loop, [&] {
        got += test::take(s.pair.far);
        return got.ends_with("goes on");
      }));
    }
  }
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_of_either_direction, Place, test::one_a_poller) {
  scene<Place> s;
  auto& channel = s.template emplace<stream>();
  std::error_code failed;
  s.it.on_close = [] {};  // it has ended what it reads itself
  channel.send(much);
  test::turn(s.loop, 3);
  BOOST_TEST(channel.queued() > 0u);
  channel.shutdown(SHUT_RD, failed);  // what waits goes on
  BOOST_TEST(!failed);
  std::size_t got = 0;
  BOOST_TEST(test::turn_until(
      s.loop, [&] { return (got += test::take(s.pair.far).size()) == much.size(); }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_end_behind_what_nobody_takes, Place, test::one_a_poller) {
  scene<Place> s;
  auto& channel = s.template emplace<stream>();
  test::turn(s.loop);
  test::reset(s.pair.far);
  BOOST_TEST(test::wait_for(channel.native_handle(), POLLPRI));
  channel.send("x");  // waits for the end of the turn, or for the shutdown
  std::error_code failed;
  channel.shutdown(SHUT_WR, failed);
  test::turn(s.loop, 3);
  BOOST_TEST(s.it.said == "close ");
  BOOST_TEST(s.loop.empty());
  // And in one that has been blocked.
  scene<Place> t;
  auto& blocked = t.template emplace<stream>();
  blocked.send(much);
  test::turn(t.loop, 3);
  blocked.shutdown(SHUT_WR, failed);
  BOOST_TEST(!failed);
  std::size_t got = 0;
  BOOST_TEST(test::turn_until(t.loop, [&] {
    if (t.pair.far.get() >= 0) got += test::take(t.pair.far).size();
    if (got == much.size()) t.pair.far.reset();
    return t.loop.empty();
  }));
  BOOST_TEST(t.it.said.ends_with("close "));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_answer_that_ends_the_channel, Place, test::one_a_poller) {
  scene<Place> s;
  auto& channel = s.template emplace<stream>();
  s.it.writes = true;
  test::turn(s.loop);
  BOOST_TEST(s.it.said == "write ");
  bool armed = false;
  s.it.on_writable = [&] {
    if (std::exchange(armed, true)) channel.close();
  };
  test::turn(s.loop, 3);
  BOOST_TEST(s.loop.empty());
}

// What a reading hook sends at once, beyond what the socket takes.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_hook_that_sends_too_much_is_told, Place, test::one_a_poller) {
  for (const bool ends : {false, true}) {
    scene<Place> s;
    s.pair = test::socket_pair();  // what is put into it is there at once
    auto channel = std::make_unique<stream<Place>>(s.loop, s.it, std::move(s.pair.near));
    s.it.on_data = [&] { channel->send(std::string(30'000, 'x')); };
    if (ends) s.it.on_high = [&] { channel.reset(); };
    for (int i = 0; i < 100 && s.it.said.find("high") == s.it.said.npos; ++i) {
      test::put(s.pair.far, "?");
      test::turn(s.loop, 2);
    }
    BOOST_TEST(s.it.said.find("high ") != s.it.said.npos);
    BOOST_TEST(s.loop.empty() == ends);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_mark_of_the_two, Place, test::one_a_poller) {
  scene<Place> s;
  auto& channel = s.loop.template emplace<high_only<Place>>(test::copy_of(s.pair.near.get()));
  for (int round = 1; round <= 2; ++round) {
    std::size_t got = 0;
    channel.send(much);
    test::turn(s.loop, 2);
    BOOST_TEST(channel.highs == round);
    BOOST_TEST(test::turn_until(
        s.loop, [&] { return (got += test::take(s.pair.far).size()) == much.size(); }));
  }
}

// Of two that have something to read, the first that is called stops the other.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_pause_by_another_in_the_same_turn, Place, test::one_a_poller) {
  scene<Place> s, t;
  auto& one = s.template emplace<stream>();
  auto& two = s.loop.template emplace<stream<Place>>(t.it, std::move(t.pair.near));
  test::turn(s.loop);
  s.it.on_data = [&] { two.pause_reading(); };
  t.it.on_data = [&] { one.pause_reading(); };
  test::put(s.pair.far, "x");
  test::put(t.pair.far, "x");
  BOOST_TEST(test::wait_for(one.native_handle(), POLLIN));
  BOOST_TEST(test::wait_for(two.native_handle(), POLLIN));
  test::turn(s.loop, 2);
  BOOST_TEST(s.it.said + t.it.said == "x");
  s.it.on_data = t.it.on_data = nullptr;
  one.resume_reading();
  two.resume_reading();
  test::turn(s.loop, 2);
  BOOST_TEST(s.it.said + t.it.said == "xx");
}

// One that leaves before it is connected sends what it has, and then lingers.
BOOST_AUTO_TEST_CASE_TEMPLATE(leaving_on_the_way, Place, test::one_a_poller) {
  scene<Place> s;
  const test::unique_fd listener = test::tcp_listener();
  auto& channel = s.loop.template emplace<stream<Place>>(s.it);
  channel.create_socket();
  channel.connect(test::name_of(listener.get()));
  channel.send("parting words");
  channel.close_when_done();
  std::string got;
  test::unique_fd peer;
  BOOST_TEST(test::turn_until(s.loop, [&] {
    asyncore::endpoint from;
    const int fd = peer.get() < 0 ? test::sys().accept(listener.get(), from) : -1;
    if (fd >= 0) peer = test::own(fd);
    if (peer.get() >= 0) got += test::take(peer);
    return got == "parting words";
  }));
  test::reset(peer);
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.loop.empty(); }));
  BOOST_TEST(s.it.said == "close ");
}

// Reset while it lingers, or while it still sends.
BOOST_AUTO_TEST_CASE_TEMPLATE(reset_while_it_leaves, Place, test::one_a_poller) {
  for (const bool sends : {false, true}) {
    scene<Place> s;
    auto& channel = s.template emplace<stream>();
    if (sends) channel.send(much);
    channel.close_when_done();
    test::turn(s.loop, 3);
    if (sends) test::put(s.pair.far, "dropped");
    test::reset(s.pair.far);
    BOOST_TEST(test::turn_until(s.loop, [&] { return s.loop.empty(); }));
    BOOST_TEST(s.it.said.ends_with("close "));
  }
}

// What is sent was received into the buffer that the other one reads into.
BOOST_AUTO_TEST_CASE_TEMPLATE(an_echo_while_another_reads, Place, test::one_a_poller) {
  scene<Place> s;
  story other;
  test::ends second = test::tcp_pair();
  auto& one = s.template emplace<stream>();
  auto& two = s.loop.template emplace<stream<Place>>(other, std::move(second.near));
  test::put(s.pair.far, "first ");
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.it.said == "first "; }));
  s.it.echoes = true;
  s.it.on_data = [&] { two.handle_read_event(); };
  test::put(s.pair.far, "mine");
  test::put(second.far, "yours");
  BOOST_TEST(test::wait_for(one.native_handle(), POLLIN));
  BOOST_TEST(test::wait_for(two.native_handle(), POLLIN));
  s.loop.readwrite(one, asyncore::readiness::read);
  BOOST_TEST(s.it.said == "first mine");
  BOOST_TEST(other.said == "yours");
  BOOST_TEST(test::wait_for(s.pair.far.get(), POLLIN));
  BOOST_TEST(test::take(s.pair.far) == "mine");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

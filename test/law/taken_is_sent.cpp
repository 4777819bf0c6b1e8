// SPDX-License-Identifier: BSL-1.0
// What send and push have taken leaves before an end that the program or the peer's stream asks for;
// where it cannot, the last hook tells how much was dropped.
#include <asyncore.hpp>

#include "../chat/scripted_producer.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>

namespace {

using asyncore::close_info;

struct story {
  int ends = 0;
  close_info info;
  std::function<void()> on_data, on_close;
};

template <class Place>
struct echo;
template <class Place>
struct stream;
template <class Place>
struct repeater;
template <class Place>
struct chat;
template <class Place>
using loop_of =
    typename Place::template loop<echo<Place>, stream<Place>, repeater<Place>, chat<Place>>;

/// The echo server of the README: no hook but one.
template <class Place>
struct echo : asyncore::dispatcher_with_send<echo<Place>, loop_of<Place>> {
  using echo::dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data) { this->send(data); }
};

template <class Place>
struct stream : asyncore::dispatcher_with_send<stream<Place>, loop_of<Place>> {
  stream(loop_of<Place>& loop, story& of) : stream::dispatcher_with_send(loop), it(of) {}
  stream(loop_of<Place>& loop, story& of, asyncore::unique_fd fd)
      : stream::dispatcher_with_send(loop, asyncore::socket(std::move(fd))), it(of) {}
  void log(std::string_view) {}
  void handle_data(std::span<const std::byte>) {
    if (const auto act = it.on_data) act();
  }
  void handle_close() {
    if (const auto act = it.on_close) return act();
    this->close();
  }
  void handle_closed(const close_info& info) {
    ++it.ends;
    it.info = info;
  }
  story& it;
};

/// A chat with default ends.
template <class Place>
struct repeater : asyncore::async_chat<repeater<Place>, loop_of<Place>> {
  repeater(loop_of<Place>& loop, asyncore::unique_fd fd)
      : repeater::async_chat(loop, asyncore::socket(std::move(fd))) {
    this->set_terminator("\n");
  }
  void collect_incoming_data(std::span<const std::byte> data) { this->push(data); }
  void found_terminator() {
    this->push("|");
    this->push_with_producer(asyncore::simple_producer("produced", 3));
  }
};

template <class Place>
struct chat : asyncore::async_chat<chat<Place>, loop_of<Place>> {
  chat(loop_of<Place>& loop, story& of, asyncore::unique_fd fd)
      : chat::async_chat(loop, asyncore::socket(std::move(fd))), it(of) {}
  static constexpr bool readable = false;
  void log(std::string_view) {}
  void collect_incoming_data(std::span<const std::byte>) {}
  void found_terminator() {}
  void handle_closed(const close_info& info) {
    ++it.ends;
    it.info = info;
  }
  story& it;
};

const std::string much(4'000'000, 'x');

template <class Place>
struct scene {
  scene() { test::limit_buffers(pair); }
  story it;
  test::ends pair = test::tcp_pair();
  loop_of<Place> loop;
  std::string got;
  bool ended = false;

  template <template <class> class Kind>
  Kind<Place>& emplace() {
    return loop.template emplace<Kind<Place>>(it, std::move(pair.near));
  }
  /// Takes what has come to the far end.
  void look() {
    for (;;) {
      std::array<std::byte, 65536> piece;
      const auto n = test::sys().recv(pair.far.get(), piece);
      if (n == 0) ended = true;
      if (n <= 0) return;
      got.append(reinterpret_cast<const char*>(piece.data()), static_cast<std::size_t>(n));
    }
  }
  bool until_its_end() {
    return test::turn_until(loop, [&] {
      look();
      return ended;
    });
  }
  bool until_told() {
    return test::turn_until(loop, [&] { return it.ends > 0; });
  }
};

/// Sends all of `bytes` and then the end of the stream, and reads only afterwards.
template <class Place>
void send_first(scene<Place>& s, std::string_view bytes) {
  const auto sent = [&] {
    while (!bytes.empty()) {
      const auto n = test::sys().send(s.pair.far.get(), test::bytes_in(bytes));
      if (n < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  };
  BOOST_TEST(test::turn_until(s.loop, sent));
  test::shut(s.pair.far.get(), SHUT_WR);
}

BOOST_FIXTURE_TEST_SUITE(taken_is_sent, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(behind_the_end_of_the_peers_stream, Place, test::one_a_poller) {
  scene<Place> s;
  s.loop.template emplace<echo<Place>>(asyncore::socket(std::move(s.pair.near)));
  const std::string all(15'000'000, 'x');
  send_first(s, all);
  BOOST_TEST(s.until_its_end());
  BOOST_TEST(s.got.size() == all.size());
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.loop.empty(); }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_chat_with_producers, Place, test::one_a_poller) {
  scene<Place> s;
  s.loop.template emplace<repeater<Place>>(std::move(s.pair.near));
  const std::string all(500'000, 'x');
  send_first(s, all + "\nmore");
  BOOST_TEST(s.until_its_end());
  BOOST_TEST((s.got == all + "|producedmore"));
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.loop.empty(); }));
}

// Nobody reads any more: there is nothing to wait for.
BOOST_AUTO_TEST_CASE_TEMPLATE(not_behind_a_reset, Place, test::one_a_poller) {
  scene<Place> s;
  auto& one = s.loop.template emplace<echo<Place>>(asyncore::socket(std::move(s.pair.near)));
  one.send(much);
  test::turn(s.loop, 3);
  BOOST_TEST(one.queued() > 0u);
  test::reset(s.pair.far);
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.loop.empty(); }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(before_the_shutdown, Place, test::one_a_poller) {
  for (const int how : {SHUT_WR, SHUT_RDWR}) {
    for (const bool in_hook : {true, false}) {
      scene<Place> s;
      auto& one = s.template emplace<stream>();
      std::size_t refused = 0;
      s.it.on_data = [&] {
        one.send(much);
        one.shutdown(how);
        refused += one.send("more").closed();
      };
      if (in_hook) {
        test::put(s.pair.far, "?");
      } else {
        s.it.on_data();
      }
      BOOST_TEST(s.until_its_end());
      BOOST_TEST(s.got.size() == much.size());
      BOOST_TEST(refused == 1u);
      BOOST_TEST(s.it.ends == (how == SHUT_RDWR ? s.it.ends : 0));
      s.pair.far.reset();
      BOOST_TEST(s.until_told());
      BOOST_TEST(s.it.info.all_sent());
      BOOST_TEST(!s.it.info.reason);
    }
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(before_the_shutdown_of_a_chat, Place, test::one_a_poller) {
  scene<Place> s;
  auto& one = s.template emplace<chat>();
  one.push(much);
  one.push_with_producer(asyncore::simple_producer("produced"));
  one.push("last");
  one.shutdown();
  BOOST_TEST(one.push("more").closed());
  one.push_with_producer(asyncore::simple_producer("more"));
  BOOST_TEST(s.until_its_end());
  BOOST_TEST(s.got.size() == much.size() + 12);
  BOOST_TEST(s.got.ends_with("xproducedlast"));
  BOOST_TEST(s.it.ends == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(before_the_shutdown_of_a_connection_to_be, Place,
                              test::one_a_poller) {
  scene<Place> s;
  const test::unique_fd listener = test::tcp_listener();
  auto& one = s.loop.template emplace<stream<Place>>(s.it);
  one.create_socket();
  one.connect(test::name_of(listener.get()));
  one.send("hello");
  one.shutdown();
  BOOST_TEST(test::turn_until(s.loop, [&] { return one.connected(); }));
  s.pair.far = test::accepted(listener);
  BOOST_TEST(s.until_its_end());
  BOOST_TEST(s.got == "hello");
}

// By hand, and when a shutdown waits for it: the last bytes leave with nothing left to be armed for.
BOOST_AUTO_TEST_CASE_TEMPLATE(by_hand_leaves_nothing_to_wait_for, Place, test::one_a_poller) {
  for (const bool ends : {true, false}) {
    scene<Place> s;
    auto& one = s.template emplace<stream>();
    one.send(much);
    test::turn(s.loop, 3);
    BOOST_TEST(one.queued() > 0u);
    if (ends) one.shutdown();
    for (int left = 1'000'000; one.queued() > 0 && left > 0; --left) {
      s.look();
      one.initiate_send();
    }
    BOOST_TEST(one.queued() == 0u);
    test::turn(s.loop, 3);
    BOOST_TEST(!asyncore::any(one.wanted_interest(), asyncore::interest::write));
    if (!ends) {
      one.send("!");
      BOOST_TEST(test::turn_until(s.loop, [&] {
        s.look();
        return s.got.ends_with("!");
      }));
      one.shutdown();
    }
    BOOST_TEST(s.until_its_end());
    BOOST_TEST(s.got.size() == much.size() + !ends);
  }
}

// What the program closes itself is told to the byte.
BOOST_AUTO_TEST_CASE_TEMPLATE(or_its_loss_is_told, Place, test::one_a_poller) {
  for (const std::size_t size : {10u, 4'000'000u}) {
    for (const bool in_hook : {true, false}) {
      scene<Place> s;
      auto& one = s.template emplace<stream>();
      s.it.on_data = [&] {
        one.send(std::string_view(much).substr(0, size / 2));
        one.send(std::string_view(much).substr(0, size / 2));
        one.close();
      };
      if (in_hook) {
        test::put(s.pair.far, "?");
      } else {
        s.it.on_data();
      }
      BOOST_TEST(s.until_told());
      BOOST_TEST(s.until_its_end());
      BOOST_TEST(s.got.size() + s.it.info.dropped == size);
      BOOST_TEST(s.it.info.all_sent() == (s.it.info.dropped == 0));
      BOOST_TEST((s.it.info.dropped > 0) == (size > 10));
      BOOST_TEST(!s.it.info.reason);
      BOOST_TEST(s.it.ends == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(or_its_loss_is_told_of_a_stage, Place, test::one_a_poller) {
  scene<Place> s;
  auto& one = s.template emplace<stream>();
  const std::size_t before = test::fill(s.pair.far);  // who does not read either
  (void)before;
  std::size_t sent = 0;
  s.it.on_data = [&] {
    for (int left = 100; left > 0; --left) sent += one.send(std::string_view(much).substr(0, 600)).bytes();
    one.close();
  };
  BOOST_TEST(s.until_told());
  s.look();
  BOOST_TEST(s.got.size() + s.it.info.dropped == sent);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(or_its_loss_is_told_of_a_reset, Place, test::one_a_poller) {
  for (const bool chats : {true, false}) {
    scene<Place> s;
    if (chats) {
      auto& one = s.template emplace<chat>();
      one.push(much);
      one.push_with_producer(asyncore::simple_producer("produced"));
      one.close_when_done();
    } else {
      s.template emplace<stream>().send(much);
    }
    test::turn(s.loop, 3);
    test::reset(s.pair.far);
    BOOST_TEST(s.until_told());
    BOOST_TEST(s.it.info.dropped > 1'000'000u);
    BOOST_TEST(s.it.info.dropped < much.size());
    BOOST_TEST(!s.it.info.all_sent());
    BOOST_TEST(s.it.info.producers_left == chats);
    BOOST_TEST(!!s.it.info.reason);
    BOOST_TEST(s.it.ends == 1);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(all_of_it_of_a_chat, Place, test::one_a_poller) {
  scene<Place> s;
  auto& one = s.template emplace<chat>();
  one.push("hello ");
  one.push_with_producer(asyncore::simple_producer("produced"));
  one.close_when_done();
  BOOST_TEST(s.until_told());
  BOOST_TEST(s.it.info.all_sent());
  BOOST_TEST(!s.it.info.reason);
  BOOST_TEST(s.until_its_end());
  BOOST_TEST(s.got == "hello produced");
}

// A producer that has not been asked is left, whatever it would have given.
BOOST_AUTO_TEST_CASE_TEMPLATE(or_a_producer_is_left, Place, test::one_a_poller) {
  scene<Place> s;
  auto& one = s.template emplace<chat>();
  one.push(much);
  one.push_with_producer(asyncore::simple_producer(""));
  one.push("behind");
  test::turn(s.loop, 3);
  const std::size_t queued = one.queued();
  one.abort();
  test::turn(s.loop);
  BOOST_TEST(s.it.info.dropped == queued);
  BOOST_TEST(s.it.info.producers_left);
  BOOST_TEST(!s.it.info.reason);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_the_program_discards_is_no_loss, Place, test::one_a_poller) {
  scene<Place> s;
  auto& one = s.template emplace<chat>();
  one.push(much);
  one.push_with_producer(asyncore::simple_producer("produced"));
  test::turn(s.loop, 3);
  one.discard_buffers();
  one.close();
  test::turn(s.loop);
  BOOST_TEST(s.it.ends == 1);
  BOOST_TEST(s.it.info.all_sent());
}

// An attempt that fails, and a loss that is another life's.
BOOST_AUTO_TEST_CASE_TEMPLATE(each_life_has_its_own_loss, Place, test::one_a_poller) {
  asyncore::endpoint nobody;
  {
    const test::unique_fd listener = test::tcp_listener();
    nobody = test::name_of(listener.get());
  }
  scene<Place> s;
  stream<Place> one(s.loop, s.it);
  one.create_socket();
  one.connect(nobody);
  one.send("never");
  BOOST_TEST(s.until_told());
  BOOST_TEST(s.it.info.dropped == 5u);
  BOOST_TEST((s.it.info.reason == std::errc::connection_refused));
  one.set_socket(asyncore::socket(std::move(s.pair.near)));
  one.send("hello");
  one.close();
  test::turn(s.loop);
  BOOST_TEST(s.it.ends == 2);
  BOOST_TEST(s.it.info.all_sent());
  BOOST_TEST(!s.it.info.reason);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_limit_is_a_reason, Place, test::one_a_poller) {
  scene<Place> s;
  auto& one = s.template emplace<stream>();
  while (s.it.ends == 0 && one.send(much).ok()) continue;
  BOOST_TEST(s.until_told());
  BOOST_TEST((s.it.info.reason == std::errc::no_buffer_space));
  BOOST_TEST(s.it.info.dropped > 16'000'000u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(at_the_end_of_the_loop_too, Place, test::one_a_poller) {
  story it;
  test::ends pair = test::tcp_pair();
  test::limit_buffers(pair);
  {
    loop_of<Place> loop;
    auto& one = loop.template emplace<stream<Place>>(it, std::move(pair.near));
    one.send(much);
  }
  BOOST_TEST(it.ends == 1);
  BOOST_TEST(it.info.dropped > 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

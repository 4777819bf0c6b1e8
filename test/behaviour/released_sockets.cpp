// SPDX-License-Identifier: BSL-1.0
// A channel gives its socket away: what stays with the socket, and what is told.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/open_descriptors.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <string>

namespace {

template <class Place>
struct plain;
template <class Place>
struct sender;
template <class Place>
struct chat;
template <class Place>
using loop_of = typename Place::template loop<plain<Place>, sender<Place>, chat<Place>>;

/// What the hooks of a channel said, and the socket that it gave away.
struct story {
  std::string said;
  std::size_t dropped = 0;
  bool producers_left = false;
  asyncore::socket given;
  std::function<void()> on_data;
};

template <class Base>
struct giver : Base {
  template <class... Source>
  explicit giver(typename Base::loop_type& loop, story& of, Source&&... source)
      : Base(loop, std::forward<Source>(source)...), it(of) {}
  ~giver() { it.said += " gone"; }
  void handle_data(std::span<const std::byte> data) { heard(data); }
  void handle_close() {
    it.said += " close";
    this->close();
  }
  void handle_closed(const asyncore::close_info& info) {
    it.said += " closed";
    it.dropped = info.dropped;
    it.producers_left = info.producers_left;
  }
  void heard(std::span<const std::byte> data) {
    it.said += asyncore::as_text(data);
    if (it.on_data) it.on_data();
  }
  void give() { it.given = this->release_socket(); }
  story& it;
};

template <class Place>
struct plain : giver<asyncore::dispatcher<plain<Place>, loop_of<Place>>> {
  using plain::giver::giver;
  void handle_accepted(asyncore::socket, asyncore::endpoint) { this->it.said += " accepted"; }
};
template <class Place>
struct sender : giver<asyncore::dispatcher_with_send<sender<Place>, loop_of<Place>>> {
  using sender::giver::giver;
};
template <class Place>
struct chat : giver<asyncore::async_chat<chat<Place>, loop_of<Place>>> {
  using chat::giver::giver;
  using chat::async_chat::handle_data;
  void collect_incoming_data(std::span<const std::byte> data) { this->heard(data); }
  void found_terminator() { this->set_terminator(nullptr); }
};

template <class Place>
struct scene {
  template <template <class> class Kind>
  Kind<Place>& emplace() {
    return loop.template emplace<Kind<Place>>(it, asyncore::socket(std::move(pair.near)));
  }
  bool until(std::string_view said) {
    return test::turn_until(loop, [&] { return it.said == said; });
  }
  /// What comes to the socket that was given away, when it is of this size.
  std::string arrives(std::size_t size) {
    std::array<std::byte, 64> space;
    test::wait_for(it.given.native_handle(), POLLIN);
    const auto n = test::sys().recv(it.given.native_handle(), space);
    BOOST_TEST(n == static_cast<std::ptrdiff_t>(size));
    return std::string(asyncore::as_text(std::span(space).first(n > 0 ? std::size_t(n) : 0)));
  }
  test::ends pair = test::socket_pair();
  story it;
  loop_of<Place> loop;
};

template <template <class> class Kind, class Place>
void gives_in_its_hook() {
  scene<Place> s;
  Kind<Place>& channel = s.template emplace<Kind>();
  const int fd = channel.native_handle();
  s.it.on_data = [&] {
    channel.give();
    BOOST_TEST(channel.native_handle() == -1);
    BOOST_TEST(!channel.release_socket());  // there is none any more
    BOOST_TEST(s.loop.empty());
  };
  test::put(s.pair.far, "x");
  BOOST_TEST(s.until("x closed gone"), s.it.said);
  BOOST_TEST(s.it.given.native_handle() == fd);
  test::put(s.pair.far, "more");
  test::turn(s.loop, 3);
  BOOST_TEST(s.it.said == "x closed gone");
  BOOST_TEST(s.arrives(4) == "more");
  s.it.given.close();
  BOOST_TEST(test::at_end(s.pair.far));
}

/// Checks that a test has closed what it opened.
struct no_leak : test::world {
  ~no_leak() { BOOST_TEST(test::open_descriptors() == before, boost::test_tools::per_element()); }
  const std::vector<int> before = test::open_descriptors();
};

BOOST_FIXTURE_TEST_SUITE(released_sockets, no_leak)

BOOST_AUTO_TEST_CASE_TEMPLATE(are_open_and_served_by_nobody, Place, test::matrix) {
  gives_in_its_hook<plain, Place>();
  gives_in_its_hook<sender, Place>();
  gives_in_its_hook<chat, Place>();
}

// The descriptor is registered again in the same turn, under another generation.
BOOST_AUTO_TEST_CASE_TEMPLATE(go_to_another_channel_at_once, Place, test::matrix) {
  story heir;
  scene<Place> s;
  sender<Place>& channel = s.template emplace<sender>();
  s.it.on_data = [&] {
    channel.send("old ");
    s.loop.template emplace<chat<Place>>(heir, channel.release_socket()).push("new");
  };
  heir.on_data = [] {};
  test::put(s.pair.far, "x");
  BOOST_TEST(s.until("x closed gone"), s.it.said);
  test::put(s.pair.far, "y");
  BOOST_TEST(test::turn_until(s.loop, [&] { return heir.said == "y"; }));
  std::string got;
  BOOST_TEST(test::turn_until(s.loop, [&] { return (got += test::take(s.pair.far)) == "old new"; }));
  s.pair.far.reset();
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.loop.empty(); }));
  BOOST_TEST(heir.said == "y close closed gone");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(leave_what_they_did_not_take, Place, test::one_a_poller) {
  for (const bool in_hook : {false, true}) {
    scene<Place> s;
    test::limit_buffers(s.pair);
    sender<Place>& channel = s.template emplace<sender>();
    const std::string much(3'000'000, 'm');
    const auto act = [&] {
      channel.send(much);
      channel.give();
    };
    s.it.on_data = act;
    if (in_hook) {
      test::put(s.pair.far, "x");
      BOOST_TEST(s.until("x closed gone"), s.it.said);
    } else {
      act();
      BOOST_TEST(s.until(" closed gone"), s.it.said);
    }
    BOOST_TEST(s.it.dropped > 0u);
    s.it.given.close();
    std::size_t got = 0;
    for (std::string piece; !(piece = test::take(s.pair.far)).empty();) got += piece.size();
    BOOST_TEST(got + s.it.dropped == much.size());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(leave_producers_behind, Place, test::one_a_poller) {
  scene<Place> s;
  chat<Place>& channel = s.template emplace<chat>();
  s.it.on_data = [&] {
    channel.push("sent");
    channel.push_with_producer(asyncore::simple_producer("produced"));
    channel.give();
  };
  test::put(s.pair.far, "x");
  BOOST_TEST(s.until("x closed gone"), s.it.said);
  BOOST_TEST(s.it.producers_left);
  BOOST_TEST(s.it.dropped == 0u);
  BOOST_TEST(test::take(s.pair.far) == "sent");
}

// As for a protocol that changes: the head by lines, and the rest is another's.
BOOST_AUTO_TEST_CASE_TEMPLATE(come_with_what_a_chat_had_received, Place, test::one_a_poller) {
  scene<Place> s;
  chat<Place>& channel = s.template emplace<chat>();
  channel.set_terminator("\n");
  int pieces = 0;
  s.it.on_data = [&] {
    if (++pieces == 2) channel.give();
  };
  test::put(s.pair.far, "upgrade\nfirst bytes");
  BOOST_TEST(s.until("upgradefirst bytes closed gone"), s.it.said);
  test::put(s.pair.far, "next");
  BOOST_TEST(s.arrives(4) == "next");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(may_listen, Place, test::one_a_poller) {
  scene<Place> s;
  plain<Place> first(s.loop, s.it);
  BOOST_TEST(!first.release_socket());
  first.create_socket();
  first.bind(test::any_port);
  first.listen();
  const asyncore::endpoint where = first.local_addr();
  plain<Place> second(s.loop, s.it);
  second.set_socket(first.release_socket());
  BOOST_TEST(!first.accepting());
  second.listen();
  const auto client = test::connected_to(where);
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.it.said.find(" accepted") != std::string::npos; }));
  first.create_socket();  // it may be used again
  second.close();
  first.close();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

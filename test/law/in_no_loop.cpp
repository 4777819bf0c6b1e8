// SPDX-License-Identifier: BSL-1.0
// Entry points and calls of a channel that is in no loop: it never had a descriptor, it has left
// its loop, or it has closed. They do nothing, or say what is wrong; nothing is looked up that was
// never there.
#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <system_error>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

namespace {

template <class Place>
struct watcher;
template <class Place>
struct file;
template <class Place>
struct stream;
template <class Place>
struct sender;
template <class Place>
struct chat;
template <class Place>
struct listener;
template <class Place>
using loop_of =
    typename Place::template loop<watcher<Place>, file<Place>, stream<Place>, sender<Place>,
                                  chat<Place>, listener<Place>>;

/// Asked whenever it is called, so that every entry point has its reasons to look itself up.
struct asked {
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return true; }
  bool writable() const { return true; }
  void handle_write() { ++writes; }
  void handle_expt() {}
  void log(std::string_view) {}
  int writes = 0;
};

template <class Place>
struct watcher : asyncore::channel<watcher<Place>, loop_of<Place>>, asked {
  using watcher::channel::channel;
  void handle_read() {}
  void handle_close() { this->close(); }
};
template <class Place>
struct file : asyncore::file_dispatcher<file<Place>, loop_of<Place>>, asked {
  using file::file_dispatcher::file_dispatcher;
  using asked::log;
  void handle_data(std::span<const std::byte>) {}
};
template <class Place>
struct stream : asyncore::dispatcher<stream<Place>, loop_of<Place>>, asked {
  using stream::dispatcher::dispatcher;
  using asked::log;
  void handle_data(std::span<const std::byte>) {}
};
template <class Place>
struct sender : asyncore::dispatcher_with_send<sender<Place>, loop_of<Place>>, asked {
  using sender::dispatcher_with_send::dispatcher_with_send;
  using asked::log;
  void handle_data(std::span<const std::byte>) {}
  void handle_high_water() {}
  void handle_low_water() {}
};
template <class Place>
struct chat : asyncore::async_chat<chat<Place>, loop_of<Place>>, asked {
  using chat::async_chat::async_chat;
  using asked::log;
  void collect_incoming_data(std::span<const std::byte>) {}
  void found_terminator() {}
};
template <class Place>
struct listener : asyncore::dispatcher<listener<Place>, loop_of<Place>> {
  using listener::dispatcher::dispatcher;
  void handle_accepted(asyncore::socket, asyncore::endpoint) { ++accepted; }
  int accepted = 0;
};

/// What a loop calls, and what a class may call itself.
template <class Channel>
void call_everything(Channel& c) {
  c.handle_read_event();
  c.handle_write_event();
  c.handle_expt_event();
  c.wanted_interest();
  c.before_wait();
  c.rearm();
  if constexpr (requires { c.handle_connect_event(); }) c.handle_connect_event();
  if constexpr (requires { c.pause_reading(); }) {
    c.pause_reading();
    c.resume_reading();
    std::array<std::byte, 16> room{};
    BOOST_TEST(c.recv(room).bytes() == 0u);
    BOOST_TEST(c.send("x").bytes() <= 1u);
  }
  if constexpr (requires { c.initiate_send(); }) {
    c.initiate_send();
    std::error_code failed;
    c.shutdown(SHUT_WR, failed);
  }
  if constexpr (requires { c.push("x"); }) {
    c.push("x");
    c.discard_buffers();
  }
  c.handle_drain_event();
  c.handle_close_event();
  c.del_channel();
}

/// Each kind, in its first state; then without a place in the loop; then closed. `far` stays open,
/// so that nothing has ended.
template <class Channel, class Open>
void call_in_every_state(Open open) {
  typename Channel::loop_type loop;
  Channel never(loop);
  call_everything(never);
  never.close();
  call_everything(never);

  auto [left, left_far] = open(loop);
  left->del_channel();
  call_everything(*left);

  auto [closed, closed_far] = open(loop);
  closed->close();
  call_everything(*closed);
  test::turn(loop);
  BOOST_TEST(loop.size() == 0u);
}

template <class Channel>
auto on_socket(typename Channel::loop_type& loop) {
  test::ends pair = test::socket_pair();
  auto made = std::make_unique<Channel>(loop, asyncore::socket(std::move(pair.near)));
  return std::pair(std::move(made), std::move(pair.far));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(in_no_loop, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(the_token_of_no_channel_is_not_alive, Place, test::matrix) {
  loop_of<Place> loop;
  BOOST_TEST(!loop.alive({}));
  BOOST_TEST(!loop.alive({5, 0}));
  auto [channel, far] = on_socket<stream<Place>>(loop);
  const asyncore::token id = channel->id();
  BOOST_TEST(loop.alive(id));
  BOOST_TEST(!loop.alive({id.fd, 0}));
  channel->close();
  BOOST_TEST(!loop.alive(id));
  BOOST_TEST(!loop.alive({id.fd, 0}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_plain_channel, Place, test::matrix) {
  loop_of<Place> loop;
  test::ends pair = test::socket_pair();
  watcher<Place> c(loop);
  call_everything(c);
  watcher<Place> left(loop, pair.near.get());
  left.del_channel();
  call_everything(left);
  BOOST_TEST(loop.size() == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_file, Place, test::matrix) {
  call_in_every_state<file<Place>>([](auto& loop) {
    test::ends pair = test::pipe_to_near();
    auto made = std::make_unique<file<Place>>(loop, std::move(pair.near));
    return std::pair(std::move(made), std::move(pair.far));
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_dispatcher, Place, test::matrix) {
  call_in_every_state<stream<Place>>(on_socket<stream<Place>>);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_dispatcher_with_send, Place, test::matrix) {
  call_in_every_state<sender<Place>>(on_socket<sender<Place>>);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_async_chat, Place, test::matrix) {
  call_in_every_state<chat<Place>>(on_socket<chat<Place>>);
}

// The connection goes to the class; whether there is a next one to be given to, nobody knows.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_listener_that_has_left_its_loop, Place, test::matrix) {
  loop_of<Place> loop;
  listener<Place> left(loop);
  left.create_socket();
  left.bind(test::any_port);
  left.listen();
  const test::unique_fd one = test::connected_to(left.local_addr());
  const test::unique_fd other = test::connected_to(left.local_addr());
  left.del_channel();
  left.handle_accept();
  BOOST_TEST(left.accepted == 1);
  left.handle_read_event();
  BOOST_TEST(left.accepted == 2);
  left.handle_accept();  // nobody waits
  left.close();
  BOOST_CHECK_THROW(left.handle_accept(), std::system_error);
}

// A connection attempt is over, or there was none.
BOOST_AUTO_TEST_CASE_TEMPLATE(handle_connect_event_without_an_attempt, Place, test::matrix) {
  loop_of<Place> loop;
  auto [channel, far] = on_socket<stream<Place>>(loop);
  channel->handle_connect_event();
  BOOST_TEST(channel->connected());
  BOOST_TEST(channel->send("unread").ok());
  far.reset();  // leaves an error on the socket
  channel->handle_connect_event();
  BOOST_TEST(channel->native_handle() >= 0);
}

// A listener without a free descriptor puts itself down for later, by a token that names nobody.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_starved_listener_in_no_loop, Place, test::matrix) {
  struct full : asyncore::dispatcher<full, asyncore::basic_loop<typename Place::poller,
                                                                asyncore::fd_table<>>> {
    using full::dispatcher::dispatcher;
    std::size_t connection_limit = 0;
    void handle_accepted(asyncore::socket, asyncore::endpoint) {}
  };
  typename full::loop_type loop;
  full left(loop), other(loop);
  for (full* const each : {&left, &other}) {
    each->create_socket();
    each->bind(test::any_port);
    each->listen();
  }
  left.del_channel();
  left.handle_accept();
  other.close();  // a channel has left the map: those that wait try again
  full third(loop);
  third.create_socket();
  test::turn(loop);
  test::turn(loop);
  BOOST_TEST(loop.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

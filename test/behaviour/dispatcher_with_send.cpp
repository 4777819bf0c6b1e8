// SPDX-License-Identifier: BSL-1.0
// The out-queue of dispatcher_with_send: nothing is lost, and little is asked of the system.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/scripted_poller.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

namespace {

using asyncore::interest;
using asyncore::readiness;
using test::contains;
using test::outcome;

template <class Place>
struct sender;
template <class Place>
struct small;
template <class Place>
using loop_of = typename Place::template loop<sender<Place>, small<Place>>;

template <class Place>
struct sender : asyncore::dispatcher_with_send<sender<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<sender<Place>, loop_of<Place>>;
  using action = std::function<void(sender&)>;
  sender(loop_of<Place>& loop, outcome& result) : base(loop), got(result) {}
  sender(loop_of<Place>& loop, test::unique_fd fd, outcome& result)
      : base(loop, asyncore::socket(std::move(fd))), got(result) {}
  void handle_connect() {
    ++got.connects;
    if (on_connect) on_connect(*this);
  }
  void handle_data(std::span<const std::byte> data) {
    got.received += asyncore::as_text(data);
    if (on_data) on_data(*this);
  }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  void handle_error() { got.catch_current(); }
  outcome& got;
  action on_connect, on_data;
};

/// Has a small limit, and a handle_write of its own.
template <class Place>
struct small : asyncore::dispatcher_with_send<small<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<small<Place>, loop_of<Place>>;
  static constexpr std::size_t out_queue_limit = 1000;
  small(loop_of<Place>& loop, test::unique_fd fd, outcome& result)
      : base(loop, asyncore::socket(std::move(fd))), got(result) {}
  bool writable() const { return wants; }
  void handle_write() {
    ++writes;
    wants = false;
  }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  void log(std::string_view message) { got.logged += std::string(message) + "\n"; }
  outcome& got;
  bool wants = false;
  int writes = 0;
};

/// Bytes that repeat nowhere.
std::string noise(std::size_t size) {
  std::mt19937 random(4711);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

void set_buffers(int fd, int size) {
  test::kernel::limit_buffers(fd, size);
}

BOOST_FIXTURE_TEST_SUITE(dispatcher_with_send, test::world)

// What a hook sends is gathered: two datagrams would leave as one.
BOOST_AUTO_TEST_CASE_TEMPLATE(datagrams_are_refused, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  sender<Place> channel(loop, got);
  std::error_code failed;
  channel.create_socket(AF_INET, SOCK_DGRAM, failed);
  BOOST_CHECK(failed == std::errc::wrong_protocol_type);
#if ASYNCORE_HAS_ATOMIC_FLAGS
  channel.create_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, failed);
  BOOST_CHECK(failed == std::errc::wrong_protocol_type);
#endif
  channel.set_socket(asyncore::socket(test::bound_to(test::any_port, SOCK_DGRAM)), failed);
  BOOST_CHECK(failed == std::errc::wrong_protocol_type);
  BOOST_TEST(channel.native_handle() == -1);
  BOOST_TEST(loop.empty());
#if ASYNCORE_HAS_EXCEPTIONS
  const auto says_why = [](const std::system_error& e) {
    return std::string_view(e.what()).find("derive from asyncore::dispatcher") !=
           std::string_view::npos;
  };
  BOOST_CHECK_EXCEPTION(channel.create_socket(AF_INET, SOCK_DGRAM), std::system_error, says_why);
  BOOST_CHECK_EXCEPTION(
      channel.set_socket(asyncore::socket(test::bound_to(test::any_port, SOCK_DGRAM))),
      std::system_error, says_why);
#endif
  channel.create_socket();
  BOOST_TEST(loop.size() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_sent_before_the_connection_waits, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  const test::unique_fd listener = test::tcp_listener();
  sender<Place> client(loop, got);
  BOOST_TEST(client.send("lost").closed());  // without a socket
  client.create_socket();
  BOOST_TEST(client.send("very early, ").bytes() == 12u);
  client.connect(test::name_of(listener.get()));
  BOOST_TEST(client.send("early, ").bytes() == 7u);
  BOOST_TEST(client.queued() == 19u);
  client.on_connect = [](auto& self) { self.send("connected"); };
  BOOST_REQUIRE(test::turn_until(loop, [&] { return got.connects == 1 && client.queued() == 0; }));
  const test::unique_fd peer = test::accepted(listener);
  BOOST_TEST(test::take(peer) == "very early, early, connected");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(large_sends_arrive_byte_by_byte, Place, test::matrix) {
  static const std::string message = noise(std::size_t{8} << 20);
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::tcp_pair();
  set_buffers(pair.near.get(), 32768);
  set_buffers(pair.far.get(), 32768);
  sender<Place> channel(loop, std::move(pair.near), got);
  std::string_view rest = message;
  for (std::size_t size = 1; !rest.empty(); size = size * 3 + 1) {
    const std::string_view part = rest.substr(0, size);
    BOOST_REQUIRE(channel.send(part).bytes() == part.size());
    rest.remove_prefix(part.size());
  }
  BOOST_TEST(channel.queued() > message.size() / 2);
  std::string arrived;
  BOOST_TEST(test::turn_until(loop, [&] {
    arrived += test::take(pair.far);
    return arrived.size() >= message.size();
  }));
  BOOST_TEST((arrived == message));
  BOOST_TEST(channel.queued() == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_sent_while_it_is_blocked_keeps_its_place, Place,
                              test::matrix) {
  static const std::string message = noise(300'000);
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  set_buffers(pair.near.get(), 4096);
  sender<Place> channel(loop, std::move(pair.near), got);
  std::string arrived;
  std::size_t given = 0;
  BOOST_TEST(test::turn_until(loop, [&] {
    if (given < message.size()) {
      const auto part = std::string_view(message).substr(given, 7001);
      given += channel.send(part).bytes();
    }
    std::array<std::byte, 5003> piece;
    const std::ptrdiff_t n = test::sys().read(pair.far.get(), piece);
    if (n > 0) arrived += asyncore::as_text(std::span(piece).first(static_cast<std::size_t>(n)));
    return arrived.size() >= message.size();
  }));
  BOOST_TEST((arrived == message));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(send_and_close_delivers, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends in_hook = test::tcp_pair(), outside = test::tcp_pair();
  sender<Place> one(loop, std::move(in_hook.near), got), two(loop, std::move(outside.near), got);
  one.on_data = [](auto& self) {
    self.send("first, ");
    self.send("last");
    self.close();
  };
  test::put(in_hook.far, "?");
  two.send("only");
  two.close();
  BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
  BOOST_REQUIRE(test::wait_for(in_hook.far.get(), POLLIN));
  BOOST_TEST(test::take(in_hook.far) == "first, last");
  BOOST_TEST(test::at_end(in_hook.far));
  BOOST_TEST(test::take(outside.far) == "only");
  BOOST_TEST(test::at_end(outside.far));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_half_close_comes_behind_what_was_sent, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::tcp_pair();
  sender<Place> channel(loop, std::move(pair.near), got);
  channel.on_data = [](auto& self) {
    self.send("an");
    self.send("swer");
    self.shutdown();
    self.on_data = {};
  };
  test::put(pair.far, "question");
  test::turn(loop, 2);
  BOOST_TEST(test::take(pair.far) == "answer");
  BOOST_TEST(test::at_end(pair.far));
  test::put(pair.far, ", and more");  // the other direction is open
  BOOST_TEST(test::turn_until(loop, [&] { return got.received == "question, and more"; }));
  BOOST_TEST(got.closes == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(another_channels_hook_may_send, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends asked = test::socket_pair(), told = test::socket_pair();
  sender<Place> one(loop, std::move(asked.near), got), two(loop, std::move(told.near), got);
  one.on_data = [&](auto&) {
    two.send("from ");
    two.send("one");
  };
  test::put(asked.far, "?");
  test::turn(loop);  // nor need there be a next one
  BOOST_TEST(test::take(told.far) == "from one");
}

// By destruction, or by the end of the loop.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_was_sent_is_not_lost_with_the_channel, Place, test::matrix) {
  outcome got;
  test::ends own = test::socket_pair(), asked = test::socket_pair(), told = test::socket_pair(),
             owned = test::socket_pair();
  {
    loop_of<Place> loop;
    auto goes = std::make_unique<sender<Place>>(loop, std::move(told.near), got);
    sender<Place> self(loop, std::move(own.near), got);
    sender<Place> one(loop, std::move(asked.near), got);
    auto& stays = loop.template emplace<sender<Place>>(std::move(owned.near), got);
    self.on_data = [&](auto&) { self.send("to itself"); };
    one.on_data = [&](auto&) {
      goes->send("gone");
      goes.reset();
      stays.send("stays");
      throw asyncore::exit_now();
    };
    test::put(own.far, "?");
    test::turn(loop);
    test::put(asked.far, "?");
    BOOST_CHECK_THROW(loop.poll(), asyncore::exit_now);
    BOOST_TEST(test::take(owned.far) == "");
  }
  BOOST_TEST(test::take(own.far) == "to itself");
  BOOST_TEST(test::take(told.far) == "gone");
  BOOST_TEST(test::take(owned.far) == "stays");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_reset_with_a_full_queue_is_one_close, Place, test::matrix) {
  static const std::string message = noise(3'000'000);
  loop_of<Place> loop;
  outcome got, other;
  test::ends pair = test::tcp_pair(), good = test::socket_pair();
  set_buffers(pair.near.get(), 4096);
  sender<Place> channel(loop, std::move(pair.near), got);
  sender<Place> neighbour(loop, std::move(good.near), other);
  channel.send(message);
  test::turn(loop, 2);
  BOOST_TEST(channel.queued() > 0u);
  test::reset(pair.far);
  BOOST_TEST(test::turn_until(loop, [&] { return got.closes > 0; }));
  test::turn(loop, 2);
  BOOST_TEST(got.closes == 1);
  BOOST_TEST(got.errors == 0);
  BOOST_TEST(channel.queued() == 0u);
  BOOST_TEST(channel.send("x").closed());
  test::put(good.far, "still here");
  test::turn(loop);
  BOOST_TEST(other.received == "still here");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_send_that_finds_the_peer_gone_says_so, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  auto& channel = loop.template emplace<sender<Place>>(std::move(pair.near), got);
  pair.far.reset();
  const asyncore::io_result result = channel.send("x");  // at once, because no hook is running
  BOOST_TEST(got.closes == 1);
  BOOST_TEST(result.closed());
  loop.poll();
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(anything_contiguous_can_be_sent, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  sender<Place> channel(loop, std::move(pair.near), got);
  const std::vector<std::byte> bytes(1, std::byte{'d'});
  BOOST_TEST(channel.send("a").bytes() == 1u);
  BOOST_TEST(channel.send(std::string("b")).bytes() == 1u);
  BOOST_TEST(channel.send(std::string_view("c\0", 2)).bytes() == 2u);
  BOOST_TEST(channel.send(bytes).bytes() == 1u);
  BOOST_TEST(channel.send(std::span(bytes)).bytes() == 1u);
  BOOST_TEST(channel.send(std::vector<unsigned char>{'e'}).bytes() == 1u);
  BOOST_TEST(channel.send(std::array<char, 2>{'f', 'g'}).bytes() == 2u);
  BOOST_TEST(channel.send("").ok());
  BOOST_TEST(channel.send("").bytes() == 0u);
  BOOST_TEST((test::take(pair.far) == std::string_view("abc\0ddefg", 9)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_hook_that_throws_has_sent, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  sender<Place> channel(loop, std::move(pair.near), got);
  channel.on_data = [](auto& self) {
    self.send("said before");
    throw std::runtime_error("then failed");
  };
  test::put(pair.far, "?");
  test::turn(loop, 2);
  BOOST_TEST(got.errors == 1);
  BOOST_TEST(test::take(pair.far) == "said before");
  channel.on_data = {};
  channel.send("x");  // and it is not taken for a hook that still runs
  BOOST_TEST(test::take(pair.far) == "x");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(leaving_the_map_in_a_hook_keeps_what_was_sent, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends one = test::socket_pair(), two = test::socket_pair();
  sender<Place> leaves(loop, std::move(one.near), got), returns(loop, std::move(two.near), got);
  leaves.on_data = [](auto& self) {
    self.send("before, ");
    self.del_channel();
  };
  returns.on_data = [](auto& self) {
    self.send("before, ");
    self.del_channel();
    self.add_channel();
    self.send("after");
  };
  for (test::ends* pair : {&one, &two}) test::put(pair->far, "?");
  test::turn(loop, 2);
  BOOST_TEST(test::take(two.far) == "before, after");
  BOOST_TEST(test::take(one.far) == "");
  leaves.add_channel();
  leaves.send("after");
  test::turn(loop);
  BOOST_TEST(test::take(one.far) == "before, after");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_queue_has_a_limit, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  test::fill(pair.near);
  auto& channel = loop.template emplace<small<Place>>(std::move(pair.near), got);
  BOOST_TEST(channel.send(std::string(900, 'x')).bytes() == 900u);
  BOOST_TEST(channel.send(std::string(900, 'x')).bytes() == 900u);  // the first was within
  const auto result = channel.send("x");
  BOOST_TEST((result.error() == std::errc::no_buffer_space));
  BOOST_TEST(got.closes == 1);
  BOOST_TEST(contains(got.logged, "out-queue limit reached, closing channel <"), got.logged);
  loop.poll();
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(handle_write_may_be_ones_own_too, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  small<Place> channel(loop, std::move(pair.near), got);
  test::turn(loop, 2);
  BOOST_TEST(channel.writes == 0);
  channel.wants = true;
  channel.send("x");
  test::turn(loop, 2);
  BOOST_TEST(channel.writes == 1);
  BOOST_TEST(test::take(pair.far) == "x");
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE_TEMPLATE(writing_is_watched_while_the_queue_waits, Place,
                              test::scripted_matrix) {
  test::poller_script script;
  loop_of<Place> loop(script);
  outcome got;
  test::ends pair = test::socket_pair();
  const int fd = pair.near.get();
  test::fill(pair.near);
  sender<Place> channel(loop, std::move(pair.near), got);
  loop.poll();
  BOOST_TEST((script.wanted(fd) == interest::read));
  channel.send("waits");
  loop.poll();
  BOOST_TEST((script.wanted(fd) == (interest::read | interest::write)));
  test::take(pair.far);
  script.reports = {{channel.id(), readiness::write}};
  test::turn(loop, 2);
  BOOST_TEST((script.wanted(fd) == interest::read));
  BOOST_TEST(test::take(pair.far) == "waits");
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

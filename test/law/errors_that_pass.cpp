// SPDX-License-Identifier: BSL-1.0
// An error that is not the end: of a datagram that nobody took, and what is in a socket's error
// queue. It ends no channel, makes none deaf, and is not reported for ever (law 4), by any poller.
#include <boost/test/unit_test.hpp>

#include <netinet/in.h>

#include <chrono>
#include <string>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/turns.hpp"

namespace {

using namespace std::chrono_literals;
using asyncore::endpoint;
using test::counted;
using test::outcome;
using test::unique_fd;
using bytes = std::span<const std::byte>;

template <class Place>
struct sender;
template <class Place>
struct reader;
template <class Place>
struct receiver;
template <class Place>
struct curious;
template <class Place>
using loop_of = typename Place::template loop<sender<Place>, reader<Place>, receiver<Place>,
                                              curious<Place>>;

/// What they have in common; none of them closes by itself.
template <class Base>
struct told : Base {
  told(typename Base::loop_type& loop, outcome& result) : Base(loop), got(result) {}
  void handle_error() { got.catch_current(); }
  void handle_close() { ++got.closes; }
  void log(std::string_view) {}
  outcome& got;
};

/// Sends and does not read, as one that reports measurements.
template <class Place>
struct sender : told<asyncore::dispatcher<sender<Place>, loop_of<Place>>> {
  using sender::told::told;
};
template <class Place>
struct reader : told<asyncore::dispatcher<reader<Place>, loop_of<Place>>> {
  using reader::told::told;
  void handle_data(bytes data) {
    this->got.received += std::string(asyncore::as_text(data)) + ";";
  }
};
/// Reads by itself.
template <class Place>
struct receiver : told<asyncore::dispatcher<receiver<Place>, loop_of<Place>>> {
  using receiver::told::told;
  void handle_read() {
    std::byte buffer[16];
    endpoint from;
    const asyncore::io_result result = this->recvfrom(buffer, from);
    if (result.error()) ++this->got.errors;
  }
};
/// Wants to see what is in the error queue.
template <class Place>
struct curious : told<asyncore::dispatcher<curious<Place>, loop_of<Place>>> {
  using curious::told::told;
  void handle_data(bytes) {}
  void handle_expt() { ++looks; }
  int looks = 0;
};

/// A loop whose reports are counted, and an address that nobody has.
template <class Place>
struct scene {
  using place = counted<Place>;
  scene() {
    unique_fd taken = test::bound_to(test::any_port, SOCK_DGRAM);
    nobody = test::name_of(taken.get());
  }
  template <template <class> class Channel>
  Channel<place>& connected() {
    auto& c = loop.template emplace<Channel<place>>(got);
    c.create_socket(AF_INET, SOCK_DGRAM);
    c.connect(nobody);
    BOOST_TEST(test::turn_until(loop, [&] { return c.connected(); }));
    return c;
  }
  /// A message that is refused, which the socket has been told.
  template <class Channel>
  void refused(Channel& c) {
    BOOST_TEST(c.send("anybody?").ok());
    BOOST_TEST(test::wait_for(c.native_handle(), 0));
  }
  template <class Channel>
  void queue_errors(Channel& c) {
    BOOST_REQUIRE_EQUAL(test::sys().setsockopt(c.native_handle(), IPPROTO_IP, IP_RECVERR, 1), 0);
  }
  void check_quiet() {
    test::turn(loop, 10);
    const std::size_t reports = counts.reports;
    test::turn(loop, 50);
    BOOST_TEST(counts.reports == reports);
    BOOST_TEST(got.closes == 0);
    BOOST_TEST(loop.size() == 1u);
  }

  endpoint nobody;
  outcome got;
  test::poller_counts counts;
  loop_of<place> loop{counts};
};

template <class Place>
constexpr bool is_select = Place::poller::name.find("select") != std::string_view::npos;

BOOST_FIXTURE_TEST_SUITE(errors_that_pass, test::world)

// The next call tells.
BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_only_sends_goes_on, Place, test::matrix) {
  scene<Place> s;
  auto& c = s.template connected<sender>();
  for (int i = 0; i < 3; ++i) {
    s.refused(c);
    s.check_quiet();
    BOOST_TEST((c.send("again").error() == std::errc::connection_refused));
  }
  const unique_fd daemon = test::bound_to(s.nobody, SOCK_DGRAM);
  BOOST_TEST(c.send("now?").ok());
  BOOST_TEST(test::wait_for(daemon.get(), POLLIN));
  BOOST_TEST(s.got.errors == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_is_paused_hears_of_it_later, Place, test::matrix) {
  scene<Place> s;
  auto& c = s.template connected<reader>();
  c.pause_reading();
  s.refused(c);
  s.check_quiet();
  BOOST_TEST(s.got.errors == 0);
  c.resume_reading();
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.got.errors == 1; }));
  BOOST_TEST((s.got.code == std::errc::connection_refused));
  const unique_fd daemon = test::bound_to(s.nobody, SOCK_DGRAM);
  const endpoint to = c.local_addr();
  BOOST_TEST(test::sys().sendto(daemon.get(), test::bytes_in("here"), to) == 4);
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.got.received == "here;"; }));
  s.check_quiet();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_reads_is_told_once, Place, test::matrix) {
  scene<Place> s;
  auto& c = s.template connected<reader>();
  s.refused(c);
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.got.errors == 1; }));
  s.check_quiet();
  BOOST_TEST(s.got.errors == 1);
}

// An empty message is a message.
BOOST_AUTO_TEST_CASE_TEMPLATE(empty_messages_reach_the_hook, Place, test::matrix) {
  scene<Place> s;
  auto& c = s.template connected<reader>();
  const unique_fd daemon = test::bound_to(s.nobody, SOCK_DGRAM);
  for (const char* text : {"", "text", ""})
    BOOST_TEST(test::sys().sendto(daemon.get(), test::bytes_in(text), c.local_addr()) >= 0);
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.got.received == ";text;;"; }));
  s.check_quiet();
}

// A read tells of the error and leaves it in the queue.
template <class Place, template <class> class Channel>
void of_a_queue(bool pauses) {
  scene<Place> s;
  auto& c = s.template connected<Channel>();
  s.queue_errors(c);
  if (pauses) c.pause_reading();
  s.refused(c);
  s.check_quiet();
  if (pauses) {
    BOOST_TEST(s.got.errors == 0);
    c.resume_reading();
    s.check_quiet();
  }
  BOOST_TEST(s.got.errors <= 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_error_queue_does_not_spin, Place, test::matrix) {
  of_a_queue<Place, sender>(false);
  of_a_queue<Place, reader>(false);
  of_a_queue<Place, reader>(true);
  of_a_queue<Place, receiver>(false);
}

// Without a connection the queue alone says so.
BOOST_AUTO_TEST_CASE_TEMPLATE(an_error_queue_of_one_without_a_peer, Place, test::matrix) {
  scene<Place> s;
  auto& c = s.loop.template emplace<reader<counted<Place>>>(s.got);
  c.create_socket(AF_INET, SOCK_DGRAM);
  s.queue_errors(c);
  test::turn(s.loop);
  c.sendto("anybody?", s.nobody);
  BOOST_TEST(test::wait_for(c.native_handle(), 0));
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.got.errors == 1; }));
  s.check_quiet();
  BOOST_TEST(s.got.errors == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_error_queue_is_shown_before_it_is_dropped, Place, test::matrix) {
  if (is_select<Place>) return;  // which shows it only with SO_SELECT_ERR_QUEUE
  scene<Place> s;
  auto& c = s.template connected<curious>();
  s.queue_errors(c);
  s.refused(c);
  test::turn(s.loop, 3);
  BOOST_TEST(c.looks >= 1);
  s.check_quiet();
}

// As time stamps of what was sent, and what became of bytes that were not copied.
BOOST_AUTO_TEST_CASE_TEMPLATE(an_error_queue_of_a_stream_is_no_end, Place, test::matrix) {
  for (const int how : {0, 1, 2}) {
    scene<Place> s;
    test::ends pair = test::tcp_pair();
    const int fd = pair.near.get();
    asyncore::socket near(std::move(pair.near));
    reader<counted<Place>>* c = nullptr;
    if (how == 2) {
      s.loop.template emplace<sender<counted<Place>>>(s.got).set_socket(std::move(near));
    } else {
      c = &s.loop.template emplace<reader<counted<Place>>>(s.got);
      c->set_socket(std::move(near));
      if (how == 1) c->pause_reading();
    }
    test::turn(s.loop);
    if (!test::kernel::queue_error(fd)) return;
    s.check_quiet();
    BOOST_TEST(s.got.errors == 0);
    if (c == nullptr) continue;
    c->resume_reading();
    test::put(pair.far, "on it goes");
    BOOST_TEST(test::turn_until(s.loop, [&] { return s.got.received == "on it goes;"; }));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

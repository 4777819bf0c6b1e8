// SPDX-License-Identifier: BSL-1.0
// A hangup that comes while bytes wait to be sent: UNIX sockets and pipes whose buffer is full are
// not writable then, and the kernel says nothing else for ever. The channel must end all the same.
#include <boost/test/unit_test.hpp>

#include <string>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/readers.hpp"
#include "../support/turns.hpp"

namespace {

using test::asks;
using test::ends;
using test::heard;

template <class Place>
struct pipe_sender;
template <class Place>
struct writer;
template <class Place>
using loop_of = typename Place::template loop<pipe_sender<Place>, writer<Place>>;

/// An out-queue in front of a pipe.
template <class Place>
struct pipe_sender : test::hearing<asyncore::dispatcher_with_send<
                         pipe_sender<Place>, loop_of<Place>, asyncore::file_transport>> {
  pipe_sender(loop_of<Place>& loop, heard& what, test::unique_fd fd)
      : pipe_sender::hearing(loop, what, asyncore::socket::accepted(std::move(fd))) {}
};

/// Sends by itself.
template <class Place>
struct writer : test::hearing<asyncore::dispatcher<writer<Place>, loop_of<Place>>> {
  writer(loop_of<Place>& loop, heard& what, test::unique_fd fd)
      : writer::hearing(loop, what, asyncore::socket(std::move(fd))) {}
  void handle_write() { (void)this->send("x"); }
};

/// The peer of a full stream takes no more, sends no more, and stays.
void leave(const ends& pair) { test::shut(pair.far.get(), SHUT_RDWR); }

template <class Reader>
Reader& full(typename Reader::loop_type& loop, heard& what, ends& pair) {
  Reader& channel = loop.template emplace<Reader>(what, std::move(pair.near));
  channel.send(std::string(1'000'000, 'x'));
  test::turn(loop, 3);
  BOOST_TEST(channel.queued() > 0u);
  return channel;
}

template <class Place>
constexpr bool sees_hangups = Place::poller::name.find("select") == std::string_view::npos;

enum class then { closes, leaves, stays };

template <class Reader>
void of_a_reader() {
  for (const then what_then : {then::closes, then::leaves, then::stays})
    for (const bool tail : {false, true}) {
      typename Reader::loop_type loop;
      heard what;
      ends pair = test::socket_pair();
      Reader& channel = full<Reader>(loop, what, pair);
      what.stays_open = what_then != then::closes;
      if (what_then == then::leaves) what.on_close = [&] { channel.close_when_done(); };
      if (tail) test::put(pair.far, "the tail");
      leave(pair);
      BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
      BOOST_TEST(what.closes == 1);
      BOOST_TEST(what.errors == 0);
      BOOST_TEST(what.bytes == (tail ? "the tail" : ""));
    }
}

BOOST_FIXTURE_TEST_SUITE(hangup_with_output, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_full_socket_ends_the_channel, Place, test::matrix) {
  of_a_reader<test::data_reader<Place, asks::never>>();
  of_a_reader<test::data_reader<Place, asks::every_turn>>();
  of_a_reader<test::data_reader<Place, asks::on_rearm>>();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_channel_that_is_leaving, Place, test::matrix) {
  using reader = test::data_reader<Place, asks::never>;
  test::reader_loop<Place> loop;
  heard what;
  ends pair = test::socket_pair();
  full<reader>(loop, what, pair).close_when_done();
  test::turn(loop, 3);
  BOOST_TEST(loop.size() == 1u);
  leave(pair);
  BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
  BOOST_TEST(what.closes == 1);
}

// Who reads only when all is sent waits for the end of its output.
BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_paused_channel_drops_what_waits, Place, test::matrix) {
  if (!sees_hangups<Place>) return;  // select reports nothing before the peer closes
  using reader = test::data_reader<Place, asks::on_rearm>;
  test::reader_loop<Place> loop;
  heard what;
  ends pair = test::socket_pair();
  reader& channel = full<reader>(loop, what, pair);
  channel.pause_reading();
  test::put(pair.far, "the tail");
  test::turn(loop, 3);
  leave(pair);
  BOOST_TEST(test::turn_until(loop, [&] { return channel.queued() == 0; }));
  BOOST_TEST(what.closes == 0);  // law 3
  channel.resume_reading();
  BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
  BOOST_TEST(what.bytes == "the tail");
  BOOST_TEST(what.closes == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reaches_who_sends_by_itself, Place, test::matrix) {
  if (!sees_hangups<Place>) return;
  loop_of<Place> loop;
  heard what;
  ends pair = test::socket_pair();
  test::fill(pair.near);
  loop.template emplace<writer<Place>>(what, std::move(pair.near));
  test::turn(loop, 3);
  leave(pair);
  BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
  BOOST_TEST(what.closes == 1);
}

// A full pipe whose reader has gone: an error alone.
BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_full_pipe_ends_the_channel, Place, test::matrix) {
  for (const bool leaves : {false, true}) {
    loop_of<Place> loop;
    heard what;
    ends pair = test::pipe_from_near();
    auto& channel = full<pipe_sender<Place>>(loop, what, pair);
    if (leaves) channel.close_when_done();
    test::turn(loop);
    BOOST_TEST(!asyncore::any(test::kernel::state_of(channel.native_handle()),
                              asyncore::readiness::write));
    pair.far.reset();
    BOOST_TEST((test::kernel::state_of(channel.native_handle()) == asyncore::readiness::error));
    BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
    BOOST_TEST(what.closes == 1);
  }
}

// Told once, and then the poller is left alone (law 4).
BOOST_AUTO_TEST_CASE_TEMPLATE(does_not_spin, Place, test::matrix) {
  using place = test::counted<Place>;
  test::poller_counts counts;
  test::reader_loop<place> loop(counts);
  heard what;
  what.stays_open = true;
  ends pair = test::socket_pair();
  auto& channel = full<test::data_reader<place, asks::on_rearm>>(loop, what, pair);
  channel.pause_reading();
  test::put(pair.far, "the tail");
  leave(pair);
  test::turn(loop, 10);
  const std::size_t reports = counts.reports;
  test::turn(loop, 50);
  BOOST_TEST(counts.reports == reports);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

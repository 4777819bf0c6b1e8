// SPDX-License-Identifier: BSL-1.0
// Law 6: a channel leaves its poller before its descriptor is closed, so that a duplicate of the fd
// held elsewhere does not keep reporting. Descriptors are created CLOEXEC and NONBLOCK; sends never
// raise SIGPIPE. (EINTR is in interrupted_calls.cpp.)
#include <boost/test/unit_test.hpp>

#include <optional>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/readers.hpp"
#include "../support/signals.hpp"
#include "../support/turns.hpp"

namespace {

using test::asks;
using test::ends;
using test::heard;

template <class P>
using plain = test::data_reader<P, asks::never>;

enum class way { close, destroy, replace, close_all, leave };

// A channel goes, with bytes to read, while a duplicate of its descriptor stays open.
template <class Place, template <class> class Reader>
void goes(way how, ends pair) {
  using place = test::counted<Place>;
  test::poller_counts counts;
  test::reader_loop<place> loop(counts);
  heard what, other;
  ends keeper = test::socket_pair();  // keeps the loop from being empty
  plain<place> stays(loop, other, std::move(keeper.near));
  std::optional<Reader<place>> channel;
  channel.emplace(loop, what, std::move(pair.near));
  const auto duplicate = test::copy_of(channel->native_handle());
  test::put(pair.far, "x");
  test::turn(loop);
  BOOST_CHECK_EQUAL(what.bytes, "x");
  test::put(pair.far, "y");
  const std::size_t reports = counts.reports;
  switch (how) {
    case way::close: channel->close(); break;
    case way::destroy: channel.reset(); break;
    case way::leave: channel->del_channel(); break;
    case way::close_all: loop.close_all(); break;
    case way::replace:
      ends silent = test::socket_pair();
      if constexpr (requires { channel->set_socket(asyncore::socket()); }) {
        channel->set_socket(asyncore::socket(std::move(silent.near)));
      } else {
        channel->set_file(silent.near.get());
      }
      test::turn(loop, 20);
      break;
  }
  test::turn(loop, 20);
  if (how != way::replace) BOOST_CHECK_EQUAL(counts.reports, reports);
  BOOST_CHECK_EQUAL(what.bytes, "x");
  // Whoever holds the duplicate finds the rest.
  BOOST_CHECK_EQUAL(test::take(duplicate), "y");
}

[[maybe_unused]] void check_flags(int fd) {
  BOOST_CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  BOOST_CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

// A listener that keeps what it accepts, and a client of any type.
template <class Place>
struct listener;
template <class Place>
struct client;
template <class Place>
using pair_loop = typename Place::template loop<listener<Place>, client<Place>>;
template <class Place>
struct listener : asyncore::dispatcher<listener<Place>, pair_loop<Place>> {
  explicit listener(pair_loop<Place>& loop, const asyncore::endpoint& where)
      : asyncore::dispatcher<listener, pair_loop<Place>>(loop) {
    this->create_socket(where.family());
    this->bind(where);
    this->listen();
  }
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) { accepted = std::move(peer); }
  asyncore::socket accepted;
};
template <class Place>
struct client : asyncore::dispatcher<client<Place>, pair_loop<Place>> {
  using asyncore::dispatcher<client, pair_loop<Place>>::dispatcher;
  void handle_write() {}
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(deregister_before_close, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(duplicates_do_not_report, Place, test::matrix) {
  for (const way how : {way::close, way::destroy, way::replace, way::close_all, way::leave}) {
    goes<Place, plain>(how, test::socket_pair());
    goes<Place, test::piece_reader>(how, test::tcp_pair());
    goes<Place, test::file_reader>(how, test::pipe_to_near());
  }
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE_TEMPLATE(descriptors_are_prepared, Place, test::matrix) {
  const test::temporary_directory directory;
  pair_loop<Place> loop;
  for (const auto& where : {asyncore::endpoint::parse("127.0.0.1:0"), directory.address("socket")}) {
    listener<Place> server(loop, where);
    check_flags(server.native_handle());
    const auto peer = test::connected_to(server.local_addr());
    BOOST_CHECK(test::turn_until(loop, [&] { return server.accepted.native_handle() >= 0; }));
    check_flags(server.accepted.native_handle());
  }
  client<Place> datagrams(loop);
  datagrams.create_socket(AF_INET, SOCK_DGRAM);
  check_flags(datagrams.native_handle());
  if constexpr (requires { loop.native_handle(); })
    BOOST_CHECK((::fcntl(loop.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
}

// Descriptors that somebody else made.
BOOST_AUTO_TEST_CASE_TEMPLATE(foreign_descriptors_become_non_blocking, Place, test::matrix) {
  const auto blocking = [](const test::unique_fd& fd) {
    BOOST_CHECK_EQUAL(::fcntl(fd.get(), F_SETFL, 0), 0);
  };
  test::reader_loop<Place> loop;
  heard what;
  ends pair = test::socket_pair();
  ends pipe = test::pipe_to_near();
  blocking(pair.near);
  blocking(pipe.near);
  plain<Place> reader(loop, what, std::move(pair.near));
  BOOST_CHECK((::fcntl(reader.native_handle(), F_GETFL) & O_NONBLOCK) != 0);
  test::file_reader<Place> file(loop, what, pipe.near);
  BOOST_CHECK_NE(file.native_handle(), pipe.near.get());  // a duplicate, as Python's file_wrapper
  check_flags(file.native_handle());
}
#endif

BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE_TEMPLATE(sends_raise_no_sigpipe, Place, test::matrix) {
  const test::signal_watch pipes(SIGPIPE);
  test::reader_loop<Place> loop;
  for (const std::size_t length : {1u, 100'000u}) {  // one piece of memory, and many
    for (const auto make_pair : {test::socket_pair, test::tcp_pair}) {
      heard what;
      what.stays_open = true;
      ends pair = make_pair();
      plain<Place> writer(loop, what, std::move(pair.near));
      test::reset(pair.far);
      for (int i = 0; i < 3; ++i) writer.send(std::string(length, 'x'));
      BOOST_CHECK(test::turn_until(loop, [&] { return what.closes == 1; }));
      BOOST_CHECK(writer.send("x").closed());
    }
    heard what;
    ends pipe = test::pipe_from_near();
    test::file_reader<Place> writer(loop, what, pipe.near);
    pipe.far.reset();
    BOOST_CHECK(writer.send(std::string(length, 'x')).closed());
    BOOST_CHECK_EQUAL(what.closes, 1);
  }
  BOOST_CHECK_EQUAL(pipes.count(), 0);
}

BOOST_AUTO_TEST_SUITE_END()

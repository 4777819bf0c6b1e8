// SPDX-License-Identifier: BSL-1.0
// Pipes, terminals and regular files.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/open_descriptors.hpp"
#include "../support/outcome.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <vector>

namespace {

using asyncore::io_result;
using test::contains;
using test::outcome;

template <class Place>
struct reader;
template <class Place>
struct writer;
template <class Place>
using loop_of = typename Place::template loop<reader<Place>, writer<Place>>;

template <class Place>
struct reader : asyncore::file_dispatcher<reader<Place>, loop_of<Place>> {
  using base = asyncore::file_dispatcher<reader<Place>, loop_of<Place>>;
  reader(loop_of<Place>& loop, outcome& result) : base(loop), got(result) {}
  reader(loop_of<Place>& loop, int fd, outcome& result) : base(loop, fd), got(result) {}
  void handle_data(std::span<const std::byte> data) { got.received += asyncore::as_text(data); }
  void handle_error() {
    got.catch_current();
    base::handle_error();
  }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  void log(std::string_view message) { got.logged += std::string(message) + "\n"; }
  outcome& got;
};

/// Writes a text when it may.
template <class Place>
struct writer : asyncore::file_dispatcher<writer<Place>, loop_of<Place>> {
  using base = asyncore::file_dispatcher<writer<Place>, loop_of<Place>>;
  writer(loop_of<Place>& loop, int fd, outcome& result, std::string_view message)
      : base(loop, fd), got(result), rest(message) {}
  bool writable() const { return !rest.empty(); }
  void handle_write() {
    ++writes;
    rest.remove_prefix(this->send(rest).bytes());
    if (rest.empty()) this->close();
  }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  outcome& got;
  std::string_view rest;
  int writes = 0;
};

BOOST_FIXTURE_TEST_SUITE(file_dispatcher, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_pipe_is_read_to_its_end, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pipe = test::pipe_to_near();
  loop.template emplace<reader<Place>>(pipe.near.get(), got);
  test::put(pipe.far, "first ");
  test::turn(loop);
  test::put(pipe.far, "second");
  pipe.far.reset();
  BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
  BOOST_TEST(got.received == "first second");
  BOOST_TEST(got.closes == 1);
  BOOST_TEST(got.errors == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_pipe_is_written, Place, test::matrix) {
  const std::string message(1'000'000, 'm');  // more than a pipe holds
  loop_of<Place> loop;
  outcome got;
  test::ends pipe = test::pipe_from_near();
  auto& channel = loop.template emplace<writer<Place>>(pipe.near.get(), got, message);
  pipe.near.reset();
  BOOST_TEST(channel.writes == 0);
  std::string arrived;
  BOOST_TEST(test::turn_until(loop, [&] {
    arrived += test::take(pipe.far);
    return loop.empty();
  }));
  BOOST_TEST((arrived + test::take(pipe.far) == message));
  BOOST_TEST(test::at_end(pipe.far));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_pipe_that_nobody_reads_any_more, Place, test::matrix) {
  loop_of<Place> loop;
  outcome at_send, at_wait;
  test::ends one = test::pipe_from_near(), two = test::pipe_from_near();
  writer<Place> sends(loop, one.near.get(), at_send, ""), waits(loop, two.near.get(), at_wait, "x");
  test::fill(two.near);
  test::turn(loop);
  one.far.reset();
  two.far.reset();
  BOOST_TEST(sends.send("x").closed());  // without a signal
  BOOST_TEST(at_send.closes == 1);
  BOOST_TEST(test::turn_until(loop, [&] { return at_wait.closes == 1; }));
  BOOST_TEST(loop.empty());
}

// As Python's file_wrapper.
BOOST_AUTO_TEST_CASE_TEMPLATE(it_has_a_duplicate_of_its_own, Place, test::matrix) {
  const auto before = test::open_descriptors();
  {
    loop_of<Place> loop;
    outcome got;
    test::ends pipe = test::pipe_to_near();
    int fds[2] = {pipe.near.get(), -1};
    if (!test::simulated) ::fcntl(fds[0], F_SETFL, 0);
    reader<Place> channel(loop, fds[0], got);
    BOOST_TEST(channel.native_handle() != fds[0]);
    BOOST_TEST(test::kernel::is_prepared(channel.native_handle()));
    pipe.near.reset();  // the caller may close its own
    test::put(pipe.far, "still read");
    test::turn(loop);
    BOOST_TEST(got.received == "still read");

    test::ends other = test::pipe_to_near();
    channel.set_file(other.near.get());  // the one that it had is closed
    BOOST_TEST(loop.size() == 1u);
    BOOST_TEST(test::sys().write(pipe.far.get(), test::bytes_in("x")) == -EPIPE);
    test::put(other.far, ", and another one");
    test::turn(loop);
    BOOST_TEST(got.received == "still read, and another one");
    channel.close();
    BOOST_TEST(test::is_open(other.near.get()));  // the caller's own stays open
  }
  BOOST_TEST(test::open_descriptors() == before, boost::test_tools::per_element());
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE_TEMPLATE(a_file_wrapper_is_taken_over, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pipe = test::pipe_to_near();
  asyncore::file_wrapper file(pipe.near.get());
  const int duplicate = file.native_handle();
  reader<Place> channel(loop, got);
  channel.set_file(std::move(file));
  BOOST_TEST(channel.native_handle() == duplicate);
  test::put(pipe.far, "x");
  test::turn(loop);
  BOOST_TEST(got.received == "x");
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(a_bad_descriptor_is_named, Place, test::matrix) {
  test::kernel::be_careless();
  loop_of<Place> loop;
  outcome got;
  test::ends pipe = test::pipe_to_near();
  const int closed = pipe.near.get();
  pipe.near.reset();
  BOOST_CHECK_EXCEPTION(reader<Place>(loop, closed, got), std::system_error, [&](auto& e) {
    return e.code() == std::errc::bad_file_descriptor &&
           contains(e.what(), "set_file: fd " + std::to_string(closed));
  });
  reader<Place> channel(loop, got);
  std::error_code failed;
  channel.set_file(-1, failed);
  BOOST_TEST((failed == std::errc::bad_file_descriptor));
  channel.set_file(pipe.far.get(), failed);
  BOOST_TEST(!failed);
  BOOST_TEST(loop.size() == 1u);
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE_TEMPLATE(a_regular_file_is_always_ready, Place, test::matrix) {
  const test::temporary_directory directory;
  const std::string text(200'000, 'f');
  std::ofstream(directory.file("in")) << text;
  loop_of<Place> loop;
  outcome got, other;
  const test::unique_fd in(::open(directory.file("in").c_str(), O_RDONLY | O_CLOEXEC));
  const test::unique_fd out(
      ::open(directory.file("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  test::ends pipe = test::pipe_to_near();
  loop.template emplace<reader<Place>>(in.get(), got);
  loop.template emplace<writer<Place>>(out.get(), other, text);
  loop.template emplace<reader<Place>>(pipe.near.get(), other);
  test::put(pipe.far, "pipe");  // and a file does not starve the others
  pipe.far.reset();
  BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
  BOOST_TEST((got.received == text));
  BOOST_TEST(got.closes == 1);
  BOOST_TEST(other.received == "pipe");
  std::ifstream written(directory.file("out"));
  BOOST_TEST((std::string(std::istreambuf_iterator<char>(written), {}) == text));
}
#endif

#if !defined(TEST_SIMULATED)
/// A terminal: `near` is the program's side, `far` is the side of who types.
test::ends terminal() {
  test::unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) return {};
  test::unique_fd program(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  return {std::move(program), std::move(master)};
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_terminal, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pty = terminal();
  if (!pty.near) return;  // no terminals here
  reader<Place> channel(loop, pty.near.get(), got);
  test::put(pty.far, "half a li");
  test::turn(loop, 2);
  BOOST_TEST(got.received == "");  // it gives out whole lines
  test::put(pty.far, "ne\n");
  BOOST_TEST(test::turn_until(loop, [&] { return got.received == "half a line\n"; }));
  BOOST_TEST(channel.send("printed").bytes() == 7u);
  BOOST_REQUIRE(test::wait_for(pty.far.get(), POLLIN));
  BOOST_TEST(contains(test::take(pty.far), "printed"));
  pty.far.reset();  // who types has hung up
  BOOST_TEST(test::turn_until(loop, [&] { return got.closes == 1; }));
  BOOST_TEST(loop.empty());
}

// The program leaves: what it wrote is read first.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_other_side_of_a_terminal, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pty = terminal();
  if (!pty.near) return;  // no terminals here
  reader<Place> channel(loop, pty.far.get(), got);
  test::put(pty.near, "last words");
  pty.near.reset();
  BOOST_TEST(test::turn_until(loop, [&] { return got.closes == 1; }));
  BOOST_TEST(got.received == "last words");
  BOOST_TEST(loop.empty());
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

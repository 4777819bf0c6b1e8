// SPDX-License-Identifier: BSL-1.0
// Where messages go, and which.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/standard_error.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {

template <class Place>
struct plain;
template <class Place>
struct own_log;
template <class Place>
struct own_types;
template <class Place>
using loop_of = typename Place::template loop<plain<Place>, own_log<Place>, own_types<Place>>;

template <class Place>
struct plain : asyncore::dispatcher<plain<Place>, loop_of<Place>> {
  using asyncore::dispatcher<plain<Place>, loop_of<Place>>::dispatcher;
  void handle_data(std::span<const std::byte>) {}
};

/// Has its own log.
template <class Place>
struct own_log : asyncore::dispatcher<own_log<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher<own_log<Place>, loop_of<Place>>;
  own_log(loop_of<Place>& loop, test::unique_fd fd, std::vector<std::string>& to)
      : base(loop, asyncore::socket(std::move(fd))), lines(to) {}
  void handle_data(std::span<const std::byte>) {}
  void log(std::string_view message) { lines.emplace_back(message); }
  std::vector<std::string>& lines;
};

/// Also has its own list of what it does not want to hear.
template <class Place>
struct own_types : asyncore::dispatcher<own_types<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher<own_types<Place>, loop_of<Place>>;
  static constexpr std::string_view ignore_log_types[] = {"info", "debug"};
  own_types(loop_of<Place>& loop, test::unique_fd fd, std::vector<std::string>& to)
      : base(loop, asyncore::socket(std::move(fd))), lines(to) {}
  void handle_data(std::span<const std::byte>) {}
  void log(std::string_view message) { lines.emplace_back(message); }
  std::vector<std::string>& lines;
};

using strings = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(log)

BOOST_AUTO_TEST_CASE(what_a_terminal_would_obey_is_escaped) {
  using asyncore::detail::printable;
  BOOST_TEST(printable("") == "");
  BOOST_TEST(printable("GET /a b~ \\x") == "GET /a b~ \\x");
  BOOST_TEST(printable(std::string_view("\0\t\n\x1b[2J\x7f\x9b\xff", 10)) ==
             "\\x00\\x09\\x0a\\x1b[2J\\x7f\\x9b\\xff");
}

#if !defined(TEST_SIMULATED)
// Whoever chose the path of the socket wrote a line of his own.
BOOST_AUTO_TEST_CASE(a_path_writes_no_line_into_the_log) {
  const test::temporary_directory directory;
  using place = test::place<asyncore::poll_poller, test::dense, false>;
  loop_of<place> loop;
  plain<place> channel(loop);
  channel.create_socket(AF_UNIX);
  channel.bind(directory.address("x\n\x1b[2Jerror"));
  BOOST_TEST(channel.description().find("x\\x0a\\x1b[2Jerror") != std::string::npos);
  BOOST_TEST(channel.description().find('\n') == std::string::npos);
}
#endif

BOOST_AUTO_TEST_CASE(a_line_goes_to_the_standard_error_stream) {
  BOOST_TEST(test::stderr_of([] { asyncore::log("a message"); }) == "a message\n");
  BOOST_TEST(test::stderr_of([] { asyncore::log(""); }) == "\n");
  BOOST_TEST(test::stderr_of([] { asyncore::log(std::string_view("part of it", 4)); }) == "part\n");
  BOOST_TEST(test::stderr_of([] { asyncore::log("100% of %s"); }) == "100% of %s\n");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(log_info_names_the_type, Place, test::matrix) {
  loop_of<Place> loop;
  plain<Place> channel(loop);
  BOOST_TEST(test::stderr_of([&] {
    channel.log_info("started");
    channel.log_info("broken", "error");
    channel.log_info("not shown", "warning");  // ignore_log_types, as in Python
    channel.log("as it is");
  }) == "info: started\nerror: broken\nas it is\n");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_class_may_have_its_own_log, Place, test::matrix) {
  loop_of<Place> loop;
  strings lines;
  test::ends pair = test::socket_pair();
  own_log<Place> channel(loop, std::move(pair.near), lines);
  BOOST_TEST(test::stderr_of([&] {
    channel.log_info("started");
    channel.log_info("not shown", "warning");
    channel.log_info("broken", "error");
  }) == "");
  BOOST_TEST(lines == (strings{"info: started", "error: broken"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_class_may_ignore_other_types, Place, test::matrix) {
  loop_of<Place> loop;
  strings lines;
  test::ends pair = test::socket_pair();
  own_types<Place> channel(loop, std::move(pair.near), lines);
  for (const char* type : {"info", "debug", "warning", "error"}) channel.log_info("message", type);
  BOOST_TEST(lines == (strings{"warning: message", "error: message"}),
             boost::test_tools::per_element());
}

// Python's "unhandled close event": a warning, which is hidden unless the class says otherwise.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_close_that_nobody_handles_is_a_warning, Place, test::matrix) {
  loop_of<Place> loop;
  strings shown, hidden;
  test::ends one = test::socket_pair(), two = test::socket_pair(), three = test::socket_pair();
  loop.template emplace<own_types<Place>>(std::move(one.near), shown);
  loop.template emplace<own_log<Place>>(std::move(two.near), hidden);
  loop.template emplace<plain<Place>>(asyncore::socket(std::move(three.near)));
  for (test::ends* pair : {&one, &two, &three}) pair->far.reset();
  BOOST_TEST(test::stderr_of([&] { loop.run(); }) == "");
  BOOST_TEST(loop.empty());
  BOOST_TEST(shown == strings{"warning: unhandled close event"}, boost::test_tools::per_element());
  BOOST_TEST(hidden.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

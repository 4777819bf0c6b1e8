// SPDX-License-Identifier: BSL-1.0
// What CPython's own Lib/test/test_asyncore.py (3.11) checks, test by test and under its names:
// BaseTestAPI and FileWrapperTest have files of their own.
#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/scripted_poller.hpp"
#include "../support/standard_error.hpp"
#include "../support/turns.hpp"

namespace {

using asyncore::readiness;
// Channels of which a test looks at one event. All hooks do the same: note their name, or throw.

template <class Place>
struct noting;
template <class Place>
struct exiting;
template <class Place>
struct crashing;
template <class Place>
using event_loop = typename Place::template loop<noting<Place>, exiting<Place>, crashing<Place>>;

template <class Place>
struct noting : asyncore::channel<noting<Place>, event_loop<Place>> {
  using noting::channel::channel;
  void handle_read() { called += "read "; }
  void handle_write() { called += "write "; }
  void handle_expt() { called += "expt "; }
  void handle_close() { called += "close "; }
  void handle_error() { called += "error "; }
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return reads; }
  bool reads = true;
  std::string called;
};

#if ASYNCORE_HAS_EXCEPTIONS

template <class Place>
struct exiting : asyncore::channel<exiting<Place>, event_loop<Place>> {
  using exiting::channel::channel;
  void handle_read() { throw asyncore::exit_now(); }
  void handle_write() { throw asyncore::exit_now(); }
  void handle_expt() { throw asyncore::exit_now(); }
  void handle_close() { throw asyncore::exit_now(); }
};

template <class Place>
struct crashing : asyncore::channel<crashing<Place>, event_loop<Place>> {
  using crashing::channel::channel;
  void handle_read() { throw std::exception(); }
  void handle_write() { throw std::exception(); }
  void handle_expt() { throw std::exception(); }
  void handle_close() { throw std::exception(); }
  void handle_error() { error_handled = true; }
  bool error_handled = false;
};

#else

template <class Place>
struct exiting : asyncore::channel<exiting<Place>, event_loop<Place>> {
  using exiting::channel::channel;
};
template <class Place>
struct crashing : exiting<Place> {
  using crashing::exiting::exiting;
};

#endif

// A loop whose poller reports nothing, so that only the test dispatches.
template <class Place>
struct quiet_loop {
  // The channel is watched for all that it wants.
  template <class Channel>
  std::unique_ptr<Channel> watched(bool reads = true) {
    auto one = std::make_unique<Channel>(loop, pair.near.get());
    if constexpr (requires { one->reads; }) one->reads = reads;
    test::turn(loop);
    return one;
  }

  test::poller_script script;
  event_loop<Place> loop{script};
  test::ends pair = test::socket_pair();
};

BOOST_AUTO_TEST_SUITE(HelperFunctionTests)

#if ASYNCORE_HAS_EXCEPTIONS
// exit_now leaves the dispatching; any other exception reaches handle_error.
BOOST_AUTO_TEST_CASE_TEMPLATE(test_readwriteexc, Place, test::scripted_matrix) {
  quiet_loop<Place> q;
  for (const readiness each : {readiness::read, readiness::write, readiness::expt}) {
    const auto leaves = q.template watched<exiting<Place>>();
    BOOST_CHECK_THROW(q.loop.readwrite(*leaves, each), asyncore::exit_now);
    leaves->del_channel();
    const auto fails = q.template watched<crashing<Place>>();
    q.loop.readwrite(*fails, each);
    BOOST_TEST(fails->error_handled);
  }
}
#endif

// Each flag reaches its hook and no other. An error is found by reading, where the class reads.
// One that is still there lies in the error queue, which is for handle_expt. In contrast to Python a
// channel that waits to write tries that first: a full pipe whose reader has gone reports no room.
BOOST_AUTO_TEST_CASE_TEMPLATE(test_readwrite, Place, test::scripted_matrix) {
  quiet_loop<Place> q;
  struct expectation {
    readiness flag;
    bool reads;
    std::string called;
  };
  for (const auto& [flag, reads, called] :
       {expectation{readiness::read, true, "read "}, expectation{readiness::expt, true, "expt "},
        expectation{readiness::write, true, "write "}, expectation{readiness::error, true, "write read expt "},
        expectation{readiness::error, false, "write expt close "},
        expectation{readiness::hangup, true, "write close "},
        expectation{readiness::hangup, false, "write close "}}) {
    const auto notes = q.template watched<noting<Place>>(reads);
    q.loop.readwrite(*notes, flag);
    BOOST_TEST(notes->called == called);
    notes->del_channel();
#if ASYNCORE_HAS_EXCEPTIONS
    const auto leaves = q.template watched<exiting<Place>>();
    BOOST_CHECK_THROW(q.loop.readwrite(*leaves, flag), asyncore::exit_now);
    leaves->del_channel();
    const auto fails = q.template watched<crashing<Place>>();
    BOOST_TEST(!fails->error_handled);
    q.loop.readwrite(*fails, flag);
    BOOST_TEST(fails->error_handled);
#endif
  }
}

template <class Loop>
struct closing : asyncore::dispatcher<closing<Loop>, Loop> {
  using closing::dispatcher::dispatcher;
};

// Every channel of the map is closed, and it is empty.
template <class Loop, class CloseAll>
void closeall_check(Loop& loop, CloseAll close_all) {
  std::vector<std::unique_ptr<closing<Loop>>> all;
  std::vector<int> numbers;
  for (int i = 0; i < 10; ++i) {
    all.push_back(std::make_unique<closing<Loop>>(loop));
    all.back()->create_socket();
    numbers.push_back(all.back()->native_handle());
    BOOST_TEST(test::is_open(numbers.back()));
  }
  close_all();
  BOOST_TEST(loop.empty());
  for (const auto& each : all) BOOST_TEST(each->native_handle() == -1);
  for (const int number : numbers) BOOST_TEST(!test::is_open(number));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_closeall, Place, test::matrix) {
  using loop_type = asyncore::basic_loop<typename Place::poller,
                                         typename Place::map_kind::template of<>>;
  loop_type loop;
  closeall_check(loop, [&] { loop.close_all(); });
}

BOOST_AUTO_TEST_CASE(test_closeall_default) {
  closeall_check(asyncore::this_thread_loop(), [] { asyncore::close_all(); });
}

BOOST_AUTO_TEST_SUITE_END()

// A dispatcher of which nothing is defined, and one that shows its log.
struct bare : asyncore::dispatcher<bare> {};
struct talking : asyncore::dispatcher<talking> {
  static constexpr std::array<std::string_view, 0> ignore_log_types{};
};

BOOST_AUTO_TEST_SUITE(DispatcherTests)

// Without predicates a channel is always readable and writable.
template <class Place>
struct always;
template <class Place>
using always_loop = typename Place::template loop<always<Place>>;
template <class Place>
struct always : asyncore::dispatcher<always<Place>, always_loop<Place>> {
  using always::dispatcher::dispatcher;
  void handle_read() { ++reads; }
  void handle_write() { ++writes; }
  int reads = 0, writes = 0;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(test_basic, Place, test::matrix) {
  always_loop<Place> loop;
  test::ends pair = test::socket_pair();
  always<Place> d(loop, asyncore::socket(std::move(pair.near)));
  test::put(pair.far, "x");
  test::turn(loop, 3);
  BOOST_TEST(d.reads == 3);
  BOOST_TEST(d.writes == 3);
}

BOOST_AUTO_TEST_CASE(test_repr) {
  bare d;
  const std::string text = d.description();
  BOOST_TEST(text.starts_with("<"));
  BOOST_TEST(text.ends_with("bare fd -1>"));  // no state, no address
}

BOOST_AUTO_TEST_CASE(test_log) {
  bare d;
  const test::redirected_stderr said;
  d.log("Lovely spam! Wonderful spam!");
  d.log("I don't like spam!");
  BOOST_TEST(said.text() == "Lovely spam! Wonderful spam!\nI don't like spam!\n");
}

BOOST_AUTO_TEST_CASE(test_log_info) {
  bare d;
  const test::redirected_stderr said;
  d.log_info("Have you got anything without spam?", "EGGS");
  d.log_info("Why can't she have egg bacon spam and sausage?");
  d.log_info("THAT'S got spam in it!", "SPAM");
  BOOST_TEST(said.text() ==
             "EGGS: Have you got anything without spam?\n"
             "info: Why can't she have egg bacon spam and sausage?\n"
             "SPAM: THAT'S got spam in it!\n");
}

// A hook that is not defined is not called: there is nothing to say, and nothing to watch for. What
// is left is the end of a connection.
BOOST_AUTO_TEST_CASE(test_unhandled) {
  test::ends pair = test::socket_pair();
  talking d;
  d.set_socket(asyncore::socket(std::move(pair.near)));
  BOOST_TEST((d.wanted_interest() == asyncore::interest::none));
  const test::redirected_stderr said;
  d.handle_expt_event();
  d.handle_read_event();
  d.handle_write_event();
  d.handle_connect_event();
  d.handle_close_event();
  BOOST_TEST(said.text() == "warning: unhandled close event\n");
}

// refers to bug #8573
BOOST_AUTO_TEST_CASE(test_strerror) {
  BOOST_TEST(asyncore::errno_code(EPERM).message() == std::strerror(EPERM));
  BOOST_TEST(asyncore::errno_code(-1).message() != "");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(DispatcherWithSendTests)

template <class Place>
struct no_read;
template <class Place>
using send_loop = typename Place::template loop<no_read<Place>>;
template <class Place>
struct no_read : asyncore::dispatcher_with_send<no_read<Place>, send_loop<Place>> {
  using no_read::dispatcher_with_send::dispatcher_with_send;
  bool readable() const { return false; }
  void handle_connect() {}
};

BOOST_AUTO_TEST_CASE_TEMPLATE(test_send, Place, test::matrix) {
  send_loop<Place> loop;
  const test::unique_fd listener = test::tcp_listener();
  const std::string data = "Suppose there isn't a 16-ton weight?";
  no_read<Place> d(loop);
  d.create_socket();
  d.connect(test::name_of(listener.get()));
  d.send(data);
  d.send(data);
  d.send("\n");
  BOOST_TEST(test::turn_until(loop, [&] { return d.queued() == 0; }));
  const test::unique_fd peer = test::checked(::accept(listener.get(), nullptr, nullptr));
  std::string captured;
  char byte = 0;
  while (byte != '\n' && ::read(peer.get(), &byte, 1) == 1) captured += byte;
  BOOST_TEST(captured == data + data + "\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

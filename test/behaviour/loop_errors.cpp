// SPDX-License-Identifier: BSL-1.0
// What becomes of an exception that leaves a hook.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/standard_error.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <stdexcept>
#include <vector>

namespace {

using test::contains;
using test::outcome;

template <class Place>
struct plain;
template <class Place>
struct catching;
template <class Place>
struct stream;
template <class Place>
using loop_of = typename Place::template loop<plain<Place>, catching<Place>, stream<Place>>;

/// A channel with the handle_error of `channel`.
template <class Place>
struct plain : asyncore::channel<plain<Place>, loop_of<Place>> {
  plain(loop_of<Place>& loop, int fd, std::function<void(plain&)> read)
      : asyncore::channel<plain<Place>, loop_of<Place>>(loop, fd), on_read(std::move(read)) {}
  void handle_read() { on_read(*this); }
  std::function<void(plain&)> on_read;
};

/// A channel with its own handle_error.
template <class Place>
struct catching : asyncore::channel<catching<Place>, loop_of<Place>> {
  catching(loop_of<Place>& loop, int fd, outcome& result, std::function<void(catching&)> read)
      : asyncore::channel<catching<Place>, loop_of<Place>>(loop, fd),
        got(result),
        on_read(std::move(read)) {}
  void handle_read() { on_read(*this); }
  void handle_error() {
    got.catch_current();
    if (on_error) on_error(*this);
  }
  outcome& got;
  std::function<void(catching&)> on_read, on_error;
};

/// A socket with the handle_error of `dispatcher`, which calls handle_close.
template <class Place>
struct stream : asyncore::dispatcher<stream<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher<stream<Place>, loop_of<Place>>;
  stream(loop_of<Place>& loop, int fd, outcome& result, std::function<void(stream&)> data)
      : base(loop, asyncore::socket(test::own(fd))), got(result), on_data(std::move(data)) {}
  void handle_data(std::span<const std::byte>) { on_data(*this); }
  void handle_close() {
    ++got.closes;
    if (on_close) on_close(*this);
    else this->close();
  }
  void log(std::string_view message) { got.logged += std::string(message) + "\n"; }
  outcome& got;
  std::function<void(stream&)> on_data, on_close;
};

struct ready_pipe : test::ends {
  ready_pipe() : ends(test::pipe_to_near()) { test::put(far, "x"); }
};

/// Two connected sockets, of which `near` has something to read.
struct ready_pair : test::ends {
  ready_pair() : ends(test::socket_pair()) { test::put(far, "x"); }
};

BOOST_FIXTURE_TEST_SUITE(loop_errors, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_reaches_handle_error, Place, test::matrix) {
  loop_of<Place> loop;
  outcome bad, good;
  ready_pipe first, second, third;
  const auto fails = [](auto&) { throw std::runtime_error("the hook failed"); };
  const auto works = [](auto& self) { self.got.received += "x"; };
  catching<Place> before(loop, first.near.get(), good, works);
  catching<Place> failing(loop, second.near.get(), bad, fails);
  catching<Place> after(loop, third.near.get(), good, works);
  loop.run({.timeout = {}, .count = 2});
  BOOST_TEST(bad.errors == 2);  // its own handle_error did not close it
  BOOST_TEST(bad.what == "the hook failed");
  BOOST_TEST(good.errors == 0);
  BOOST_TEST(good.received == "xxxx");  // nobody else noticed
  BOOST_TEST(loop.size() == 3u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(any_type_may_be_thrown, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pipe ready;
  catching<Place> channel(loop, ready.near.get(), got, [](auto&) { throw 42; });
  int thrown = 0;
  channel.on_error = [&](auto& self) {
    try {
      throw;
    } catch (int value) {
      thrown = value;
    }
    self.close();
  };
  loop.run();
  BOOST_TEST(thrown == 42);
  BOOST_TEST(!std::current_exception());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_channel_logs_and_closes_by_default, Place, test::matrix) {
  loop_of<Place> loop;
  ready_pipe first, second;
  int reads = 0;
  plain<Place> failing(loop, first.near.get(),
                       [](auto&) { throw std::runtime_error("disk full"); });
  plain<Place> other(loop, second.near.get(), [&](auto&) { ++reads; });
  const std::string text =
      test::stderr_of([&] { loop.run({.timeout = {}, .count = 3}); });
  BOOST_TEST(contains(text, "disk full"), text);
  BOOST_TEST(contains(text, "plain"), text);  // the channel's type
  BOOST_TEST(!failing.registered());
  BOOST_TEST(test::is_open(first.near.get()));  // a plain channel's descriptor is the caller's
  BOOST_TEST(reads == 3);
  BOOST_TEST(loop.size() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_dispatcher_logs_and_closes_by_default, Place, test::matrix) {
  loop_of<Place> loop;
  outcome bad, good;
  ready_pair first, second;
  auto& failing = loop.template emplace<stream<Place>>(first.near.release(), bad, [](auto&) {
    throw std::runtime_error("no such user");
  });
  failing.on_close = {};
  const std::string called = failing.description();
  loop.template emplace<stream<Place>>(second.near.release(), good, [](auto& self) {
    self.got.received += "x";
    std::byte rest[8];
    (void)self.recv(rest);
  });
  BOOST_TEST(test::turn_until(loop, [&] { return bad.closes == 1 && good.received == "x"; }));
  BOOST_TEST(bad.logged == "error: uncaught exception, closing channel " + called +
                               ": no such user\n");
  BOOST_TEST(test::at_end(first.far));
  BOOST_TEST(good.logged == "");
  BOOST_TEST(loop.size() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_default_closes_though_handle_close_was_called, Place,
                              test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  auto& channel = loop.template emplace<stream<Place>>(pair.near.release(), got, [](auto&) {});
  channel.on_close = [](auto&) { throw std::runtime_error("handle_close failed"); };
  pair.far.reset();
  BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
  BOOST_TEST(got.closes == 1);
  BOOST_TEST(contains(got.logged, "handle_close failed"), got.logged);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_leaves_handle_error_leaves_run, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pipe first, second;
  const auto fails = [](auto&) { throw std::runtime_error("first"); };
  const auto fails_again = [](auto&) { throw std::logic_error("second"); };
  catching<Place> one(loop, first.near.get(), got, fails), two(loop, second.near.get(), got, fails);
  one.on_error = two.on_error = fails_again;
  BOOST_CHECK_THROW(loop.run({.timeout = {}, .count = 1}), std::logic_error);
  BOOST_CHECK_THROW(loop.poll(), std::logic_error);
  BOOST_TEST(got.errors == 2);
  one.on_error = two.on_error = [](auto& self) { self.close(); };
  loop.run({.timeout = {}, .count = 1000});
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(exit_now_leaves_run_and_it_can_be_run_again, Place, test::matrix) {
  test::kernel::be_careless();
  loop_of<Place> loop;
  outcome got;
  std::vector<ready_pipe> pipes(5);
  bool exits = true;
  for (ready_pipe& p : pipes)
    loop.template emplace<catching<Place>>(p.near.get(), got, [&](auto& self) {
      self.close();
      if (std::exchange(exits, false)) throw asyncore::exit_now();
    });
  BOOST_CHECK_THROW(loop.run({.timeout = {}, .count = 1}), asyncore::exit_now);
  BOOST_TEST(got.errors == 0);
  BOOST_TEST(loop.size() == 4u);
  BOOST_TEST(!asyncore::channel_access::core(loop).in_turn());
  loop.run({.timeout = {}, .count = 1000});
  BOOST_TEST(loop.empty());
  exits = true;
  loop.template emplace<catching<Place>>(pipes[0].near.get(), got,
                                         [&](auto&) { throw asyncore::exit_now(); });
  BOOST_CHECK_THROW(loop.poll(), asyncore::exit_now);
}

// Also from a handle_error that was called for what the system refused, inside of a hook.
BOOST_AUTO_TEST_CASE_TEMPLATE(exit_now_from_handle_error_is_over_with_run, Place, test::matrix) {
  loop_of<Place> loop;
  outcome refused, failed;
  ready_pipe first, second;
  catching<Place> leaving(loop, first.near.get(), refused, [](auto& self) {
    asyncore::channel_access::core(self.loop()).report_error(self, std::make_error_code(std::errc::io_error), "refused");
  });
  leaving.on_error = [](auto& self) {
    self.close();
    throw asyncore::exit_now();
  };
  BOOST_CHECK_THROW(loop.run(), asyncore::exit_now);
  BOOST_TEST(refused.errors == 1);
  catching<Place> failing(loop, second.near.get(), failed, [](auto&) { throw 42; });
  failing.on_error = [](auto& self) { self.close(); };
  loop.run();
  BOOST_TEST(failed.errors == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_is_not_polled_from_its_hooks, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pipe first, second;
  catching<Place> one(loop, first.near.get(), got, [](auto& self) { self.loop().poll(); });
  catching<Place> two(loop, second.near.get(), got, [](auto& self) { self.loop().run(); });
  loop.poll();
  BOOST_TEST(got.errors == 2);
  BOOST_TEST((got.code == std::errc::operation_not_permitted));
  BOOST_TEST(contains(got.what, "cannot be polled from one of its own hooks"), got.what);
  BOOST_TEST(loop.size() == 2u);
  loop.poll();  // the turn that was refused did no harm
  BOOST_TEST(got.errors == 4);
}

// As in Python under its select: the channel's own calls report the peer's end by handle_close and
// throw nothing, so that an error which is thrown is of another call.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_thrown_disconnect_is_an_error, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pair pair;
  stream<Place> channel(loop, pair.near.release(), got, [](auto&) {
    throw std::system_error(ECONNRESET, std::system_category(), "from a library");
  });
  loop.run({.timeout = {}, .count = 2});
  BOOST_TEST(got.closes == 1);
  BOOST_TEST(contains(got.logged, "from a library"), got.logged);
  BOOST_TEST(loop.empty());
}

// Memory that is short for one channel is no reason to end the others.
BOOST_AUTO_TEST_CASE_TEMPLATE(no_memory_for_handle_error_closes_the_channel, Place, test::matrix) {
  loop_of<Place> loop;
  outcome bad, good;
  ready_pipe first, second;
  catching<Place> failing(loop, first.near.get(), bad,
                          [](auto&) { throw std::runtime_error("the hook failed"); });
  failing.on_error = [](auto&) { throw std::bad_alloc(); };
  catching<Place> other(loop, second.near.get(), good,
                        [](auto& self) { self.got.received += "x"; });
  const std::string text = test::stderr_of([&] { loop.run({.timeout = {}, .count = 3}); });
  BOOST_TEST(contains(text, "no memory"), text);
  BOOST_TEST(bad.errors == 1);
  BOOST_TEST(!failing.registered());
  BOOST_TEST(good.received == "xxx");
}

/// A stream whose log has no memory for its text.
template <class Place>
struct unlogged;
template <class Place>
using unlogged_loop = typename Place::template loop<unlogged<Place>>;
template <class Place>
struct unlogged : asyncore::dispatcher<unlogged<Place>, unlogged_loop<Place>> {
  using asyncore::dispatcher<unlogged, unlogged_loop<Place>>::dispatcher;
  void handle_data(std::span<const std::byte>) { throw std::runtime_error("the hook failed"); }
  void handle_close() { this->close(); }
  void log(std::string_view) { throw std::bad_alloc(); }
};

BOOST_AUTO_TEST_CASE_TEMPLATE(no_memory_for_a_message_closes_the_channel, Place, test::matrix) {
  unlogged_loop<Place> loop;
  ready_pair pair;
  unlogged<Place> channel(loop, asyncore::socket(test::own(pair.near.release())));
  const std::string text = test::stderr_of([&] { loop.run({.timeout = {}, .count = 1}); });
  BOOST_TEST(contains(text, "no memory"), text);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_channel_that_closed_and_threw_is_logged, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pipe ready;
  catching<Place> channel(loop, ready.near.get(), got, [](auto& self) {
    self.close();
    throw std::runtime_error("too late");
  });
  const std::string text = test::stderr_of([&] { loop.run(); });
  BOOST_TEST(got.errors == 0);  // there is nobody whose handle_error could be called
  BOOST_TEST(contains(text, "too late"), text);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_destroys_what_closed, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pair pair;
  loop.template emplace<stream<Place>>(pair.near.release(), got, [](auto& self) {
    self.close();
    throw asyncore::exit_now();
  });
  BOOST_CHECK_THROW(loop.run(), asyncore::exit_now);
  BOOST_TEST(test::at_end(pair.far));
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

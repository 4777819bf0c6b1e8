// SPDX-License-Identifier: BSL-1.0
// A plain channel: what it asks the poller for, entering and leaving a loop, a loop in a loop.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/scripted_poller.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>

namespace {

using asyncore::interest;
using asyncore::readiness;
using test::contains;

template <class Place>
struct silent;
template <class Place>
struct reader;
template <class Place>
struct writer;
template <class Place>
struct urgent;
template <class Place>
struct closer;
template <class Place>
using loop_of = typename Place::template loop<silent<Place>, reader<Place>, writer<Place>,
                                              urgent<Place>, closer<Place>>;
template <class Derived, class Place>
using base_of = asyncore::channel<Derived, loop_of<Place>>;

template <class Place>
struct silent : base_of<silent<Place>, Place> {
  using silent::channel::channel;
  void handle_close() {}  // of which nothing has to be asked
};
template <class Place>
struct reader : base_of<reader<Place>, Place> {
  using reader::channel::channel;
  void handle_read() { ++calls; }
  void watch(int fd) { this->set_descriptor(fd); }
  int calls = 0;
};
template <class Place>
struct writer : base_of<writer<Place>, Place> {
  using writer::channel::channel;
  void handle_write() { ++calls; }
  int calls = 0;
};
template <class Place>
struct urgent : base_of<urgent<Place>, Place> {
  using urgent::channel::channel;
  void handle_expt() { ++calls; }
  int calls = 0;
};
template <class Place>
struct closer : base_of<closer<Place>, Place> {
  using closer::channel::channel;
  void handle_close() {
    ++calls;
    this->close();
  }
  int calls = 0;
};

BOOST_FIXTURE_TEST_SUITE(channel, test::world)

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE_TEMPLATE(hooks_are_what_is_asked_for, Place, test::scripted_matrix) {
  test::poller_script script;
  loop_of<Place> loop(script);
  silent<Place> a(loop, 101);
  reader<Place> b(loop, 102);
  writer<Place> c(loop, 103);
  urgent<Place> d(loop, 104);
  closer<Place> e(loop, 105);
  BOOST_TEST(script.known.empty());  // nothing before the first wait
  loop.poll();
  BOOST_TEST((script.wanted(101) == interest::none));
  BOOST_TEST((script.wanted(102) == interest::read));
  BOOST_TEST((script.wanted(103) == interest::write));
  BOOST_TEST((script.wanted(104) == interest::expt));
  BOOST_TEST((script.wanted(105) == interest::none));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_readiness_has_its_hook, Place, test::scripted_matrix) {
  test::poller_script script;
  loop_of<Place> loop(script);
  reader<Place> b(loop, 102);
  writer<Place> c(loop, 103);
  urgent<Place> d(loop, 104);
  closer<Place> e(loop, 105);
  loop.poll();
  const auto all = readiness::read | readiness::write | readiness::expt;
  script.reports = {{b.id(), all}, {c.id(), all}, {d.id(), all}, {e.id(), readiness::hangup}};
  loop.poll();
  BOOST_TEST(b.calls == 1);
  BOOST_TEST(c.calls == 1);
  BOOST_TEST(d.calls == 1);
  BOOST_TEST(e.calls == 1);
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(readwrite_dispatches_by_hand, Place, test::matrix) {
  loop_of<Place> loop;
  const test::ends pair = test::socket_pair();
  reader<Place> channel(loop, pair.near.get());
  loop.poll();  // now it is armed
  loop.readwrite(channel, readiness::read | readiness::write | readiness::expt);
  BOOST_TEST(channel.calls == 1);
  channel.close();
  loop.readwrite(channel, readiness::read);
  BOOST_TEST(channel.calls == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(channels_enter_and_leave, Place, test::matrix) {
  loop_of<Place> loop;
  const test::ends pipe = test::pipe_to_near();
  test::put(pipe.far, "x");
  reader<Place> channel(loop, pipe.near.get());
  BOOST_TEST(loop.size() == 1u);
  test::turn(loop);
  BOOST_TEST(channel.calls == 1);

  channel.del_channel();
  channel.del_channel();
  BOOST_TEST(loop.empty());
  BOOST_TEST(!channel.registered());
  BOOST_TEST(channel.native_handle() == pipe.near.get());
  BOOST_TEST(test::is_open(pipe.near.get()));
  test::turn(loop);
  BOOST_TEST(channel.calls == 1);

  channel.add_channel();
  test::turn(loop);
  BOOST_TEST(channel.calls == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_channel_leaves_in_its_destructor, Place, test::matrix) {
  loop_of<Place> loop;
  const test::ends pipe = test::pipe_to_near();
  test::put(pipe.far, "x");
  {
    reader<Place> channel(loop, pipe.near.get());
    test::turn(loop);
    BOOST_TEST(loop.size() == 1u);
  }
  BOOST_TEST(loop.empty());
  reader<Place> other(loop, pipe.near.get());  // of the same descriptor
  test::turn(loop);
  BOOST_TEST(other.calls == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_descriptor_one_channel, Place, test::matrix) {
  loop_of<Place> loop;
  const test::ends pipe = test::pipe_to_near();
  test::put(pipe.far, "x");
  reader<Place> first(loop, pipe.near.get()), second(loop);
  second.watch(pipe.near.get());
  std::error_code failed;
  second.add_channel(failed);
  BOOST_TEST((failed == std::errc::file_exists));
  BOOST_CHECK_EXCEPTION(second.add_channel(), std::system_error, [&](auto& e) {
    return e.code() == std::errc::file_exists &&
           contains(e.what(), "add_channel: fd " + std::to_string(pipe.near.get()));
  });
  BOOST_TEST(!second.registered());
  test::turn(loop);
  BOOST_TEST(first.calls == 1);  // the first is not disturbed
  BOOST_TEST(loop.size() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_a_descriptor_there_is_nothing_to_add, Place, test::matrix) {
  loop_of<Place> loop;
  reader<Place> channel(loop);
  BOOST_TEST(channel.native_handle() == -1);
  BOOST_TEST((&channel.loop() == &loop));
  std::error_code failed;
  channel.add_channel(failed);
  BOOST_TEST((failed == std::errc::bad_file_descriptor));
  BOOST_CHECK_THROW(reader<Place>(loop, -1), std::system_error);
  BOOST_TEST(loop.empty());
}

// epoll tells at once; poll and select only when they wait. Nobody else may be disturbed.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_closed_descriptor_harms_nobody_else, Place, test::matrix) {
  // select says EBADF, and not of which.
  if (std::is_same_v<typename Place::poller, asyncore::select_poller>) return;
  loop_of<Place> loop;
  test::ends gone = test::pipe_to_near();
  const test::ends pipe = test::pipe_to_near();
  test::put(pipe.far, "x");
  closer<Place> channel(loop, gone.near.get());
  reader<Place> other(loop, pipe.near.get());
  test::turn(loop);
  gone.near.reset();
  test::turn(loop, 3);
  BOOST_TEST(other.calls == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_full_map_refuses_one_more, Place, test::matrix) {
  if (!std::is_same_v<typename Place::map_kind, test::fixed>) return;  // the others grow
  loop_of<Place> loop;
  std::deque<test::ends> pipes;
  std::deque<reader<Place>> channels;
  for (std::size_t i = 0; i <= test::fixed::room; ++i) pipes.push_back(test::pipe_to_near());
  for (std::size_t i = 0; i < test::fixed::room; ++i)
    channels.emplace_back(loop, pipes[i].near.get());
  BOOST_CHECK_EXCEPTION(channels.emplace_back(loop, pipes.back().near.get()), std::system_error,
                        [](auto& e) { return e.code() == std::errc::no_buffer_space; });
  BOOST_TEST(loop.size() == test::fixed::room);
  test::put(pipes[7].far, "x");
  test::turn(loop);
  BOOST_TEST(channels[7].calls == 1);
  channels[0].close();
  channels.emplace_back(loop, pipes.back().near.get());  // now there is room
  BOOST_TEST(loop.size() == test::fixed::room);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(many_channels_are_told_apart, Place, test::matrix) {
  constexpr std::size_t count = std::is_same_v<typename Place::map_kind, test::fixed>
                                    ? test::fixed::room
                                    : 200;
  loop_of<Place> loop;
  std::deque<test::ends> pipes;
  std::deque<reader<Place>> channels;
  for (std::size_t i = 0; i < count; ++i) {
    pipes.push_back(test::pipe_to_near());
    channels.emplace_back(loop, pipes.back().near.get());
  }
  test::turn(loop);
  for (std::size_t i = 0; i < count; i += 3) test::put(pipes[i].far, "x");
  for (std::size_t i = 0; i < count; i += 5) channels[i].close();
  test::turn(loop);
  for (std::size_t i = 0; i < count; ++i)
    BOOST_REQUIRE(channels[i].calls == (i % 3 == 0 && i % 5 != 0 ? 1 : 0));
}

/// Another loop, as a channel of this one.
template <class Place, class Inner>
struct nested;
template <class Place>
using outer_of = typename Place::template loop<nested<Place, loop_of<Place>>>;
template <class Place, class Inner>
struct nested : asyncore::channel<nested<Place, Inner>, outer_of<Place>> {
  nested(outer_of<Place>& outer, Inner& loop)
      : asyncore::channel<nested, outer_of<Place>>(outer, loop.native_handle()), inner(loop) {}
  void handle_read() {
    ++calls;
    inner.poll();
  }
  Inner& inner;
  int calls = 0;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_sits_in_another_one, Place, test::matrix) {
  if constexpr (requires(loop_of<Place>& loop) { loop.native_handle(); }) {
    loop_of<Place> inner;
    const test::ends pipe = test::pipe_to_near();
    reader<Place> channel(inner, pipe.near.get());
    inner.poll();
    outer_of<Place> outer;
    nested<Place, loop_of<Place>> link(outer, inner);
    test::turn(outer, 2);
    BOOST_TEST(link.calls == 0);
    test::put(pipe.far, "x");
    outer.poll({});
    BOOST_TEST(link.calls == 1);
    BOOST_TEST(channel.calls == 1);
    BOOST_TEST(test::take(pipe.near) == "x");
    test::turn(outer, 2);
    BOOST_TEST(link.calls == 1);
  } else {
    BOOST_TEST(Place::poller::name != "epoll");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

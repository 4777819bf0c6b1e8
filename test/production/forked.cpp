// SPDX-License-Identifier: BSL-1.0
// A process that fork(2) made, without exec: what it ends, closes and destroys is its own copy, and
// the process that the loop belongs to notices nothing.
#include <asyncore.hpp>
#include <asyncore/child_process.hpp>
#include <asyncore/loop_group.hpp>

#include "../support/child.hpp"
#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <functional>
#include <memory>
#include <string>

namespace {

using namespace std::chrono_literals;

template <class Place>
struct talker;
template <class Place>
struct program;
template <class Place>
struct listening;
template <class Place>
using loop_of = typename Place::template loop<talker<Place>, program<Place>, listening<Place>>;

template <class Place>
struct talker : asyncore::dispatcher_with_send<talker<Place>, loop_of<Place>> {
  using talker::dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data) {
    this->send(data);
    if (on_data) on_data();
  }
  void handle_close() { this->close(); }
  std::function<void()> on_data;
};

template <class Place>
struct program : asyncore::child_process<program<Place>, loop_of<Place>> {
  using program::child_process::child_process;
  void handle_exit(asyncore::exit_status) {}
};

template <class Place>
struct listening : asyncore::signal_channel<listening<Place>, loop_of<Place>> {
  using listening::signal_channel::signal_channel;
  void handle_signal(int) { ++signals; }
  int signals = 0;
};

/// A loop with a channel that echoes.
template <class Place>
struct scene {
  scene() {
    test::ends pair = test::socket_pair();
    far = std::move(pair.far);
    channel = &loop->template emplace<talker<Place>>(asyncore::socket(std::move(pair.near)));
    BOOST_REQUIRE(test::echoes(*loop, far));
  }
  /// Calls `f` in a forked process, which ends as by `exit`.
  template <class F>
  test::child_end forked(F f) {
    return test::in_child([&] {
      f();
      loop.reset();
      return 0;
    });
  }
  bool echoes() { return test::echoes(*loop, far); }

  std::unique_ptr<loop_of<Place>> loop = std::make_unique<loop_of<Place>>();
  test::unique_fd far;
  talker<Place>* channel = nullptr;
};

BOOST_AUTO_TEST_SUITE(forked)

BOOST_AUTO_TEST_CASE_TEMPLATE(the_end_of_the_loop_there_changes_nothing, Place,
                              test::one_a_poller) {
  scene<Place> s;
  BOOST_TEST(s.forked([] {}).status == 0);
  BOOST_TEST(s.echoes());
  BOOST_TEST(s.forked([&] { s.channel->close(); }).status == 0);
  BOOST_TEST(s.echoes());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_a_hook_has_sent_is_sent_once, Place, test::one_a_poller) {
  scene<Place> s;
  s.channel->on_data = [&] { BOOST_TEST(s.forked([] {}).status == 0); };
  test::put(s.far, "once");
  test::turn(*s.loop, 2);
  BOOST_TEST(test::take(s.far) == "once");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_waits_is_sent_once, Place, test::one_a_poller) {
  scene<Place> s;
  const std::string much(4 << 20, 'x');
  s.channel->send(much);
  BOOST_TEST(s.channel->queued() > 0u);
  std::string got = test::take(s.far);  // so that the socket takes more
  const auto close = [&] {
    s.channel->send("y");
    s.channel->close();
  };
  BOOST_TEST(s.forked(close).status == 0);
  BOOST_TEST(test::turn_until(*s.loop, [&] {
    got += test::take(s.far);
    return got.size() >= much.size();
  }));
  test::turn(*s.loop, 3);
  BOOST_TEST((got + test::take(s.far) == much));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(abort_there_resets_nothing, Place, test::one_a_poller) {
  loop_of<Place> loop;
  const test::unique_fd listener = test::tcp_listener();
  const test::unique_fd far = test::connected_to(test::name_of(listener.get()));
  BOOST_REQUIRE(test::wait_for(listener.get(), POLLIN));
  asyncore::endpoint from;
  test::unique_fd near(test::sys().accept(listener.get(), from));
  auto& channel = loop.template emplace<talker<Place>>(asyncore::socket(std::move(near)));
  BOOST_REQUIRE(test::echoes(loop, far));
  BOOST_TEST(test::in_child([&] { return channel.abort(), 0; }).status == 0);
  // Closed here, too, it ends without a reset.
  channel.close();
  BOOST_TEST(test::wait_for(far.get(), POLLIN));
  char byte = 0;
  BOOST_TEST(::recv(far.get(), &byte, 1, 0) == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_and_post_there_wake_nobody, Place, test::one_a_poller) {
  using place = test::counted<Place>;
  test::poller_counts counts;
  loop_of<place> loop(counts);
  const test::ends quiet = test::socket_pair();
  talker<place> channel(loop, asyncore::socket(test::own(::dup(quiet.near.get()))));
  loop.post([] {});
  test::turn(loop, 3);
  counts.reports = 0;
  const auto end = test::in_child([&] {
    loop.stop();
    loop.post([] {});
    loop.stop();
    return 0;
  });
  BOOST_TEST(end.status == 0);
  test::turn(loop, 3);
  BOOST_TEST(counts.reports == 0u);
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_does_not_run_there_but_a_new_one_does, Place,
                              test::one_a_poller) {
  scene<Place> s;
  int refused = 0;
  const auto end = test::in_child([&] {
    try {
      s.loop->run();
    } catch (const std::system_error& e) {
      refused += e.code() == std::errc::operation_not_permitted;
    }
    try {
      s.loop->poll(0ns);
    } catch (const std::system_error& e) {
      refused += e.code() == std::errc::operation_not_permitted;
    }
    loop_of<Place> own;
    own.call_later(0s, [&] { own.post([&] { ++refused; }); });
    own.run();
    return refused;
  });
  BOOST_TEST(end.status == 3);
  BOOST_TEST(s.echoes());
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_does_there_what_it_did_before, Place,
                              test::one_a_poller) {
  loop_of<Place> loop;
  listening<Place> channel(loop, {SIGUSR1, SIGUSR2});
  const auto killed = test::in_child([&] { return std::raise(SIGUSR1), 0; });
  BOOST_TEST(killed.signal == SIGUSR1);
  test::turn(loop, 2);
  BOOST_TEST(channel.signals == 0);
  // Another channel may watch them there.
  const auto watched = test::in_child([&] {
    loop_of<Place> own;
    listening<Place> there(own, {SIGUSR1});
    std::raise(SIGUSR1);
    test::turn(own, 2);
    return there.signals;
  });
  BOOST_TEST(watched.status == 1);
  test::turn(loop, 2);
  BOOST_TEST(channel.signals == 0);
  std::raise(SIGUSR1);
  test::turn(loop, 2);
  BOOST_TEST(channel.signals == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_program_is_not_killed_from_there, Place, test::one_a_poller) {
  auto loop = std::make_unique<loop_of<Place>>();
  auto& child = loop->template emplace<program<Place>>();
  const auto pipes = child.start({"cat"});
  const auto end = test::in_child([&] {
    loop.reset();
    return 0;
  });
  BOOST_TEST(end.status == 0);
  // It still answers.
  BOOST_TEST(::write(pipes.input.get(), "x", 1) == 1);
  BOOST_TEST(test::wait_for(pipes.output.get(), POLLIN));
  char byte = 0;
  BOOST_TEST(::read(pipes.output.get(), &byte, 1) == 1);
}

// What std::thread keeps for a thread is lost where there is no such thread.
BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE_TEMPLATE(a_group_ends_there_without_its_threads, Place,
                              test::one_a_poller) {
  auto group = std::make_unique<asyncore::loop_group<loop_of<Place>>>(
      asyncore::group_options{.threads = 2, .pinned = false});
  group->start();
  const auto end = test::in_child([&] {
    group.reset();
    return 0;
  });
  BOOST_TEST(end.status == 0);
  BOOST_TEST(end.signal == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

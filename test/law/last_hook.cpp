// SPDX-License-Identifier: BSL-1.0
// handle_closed is the last hook of every kind of channel, once, whoever owns it and however it ends.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/standard_error.hpp"
#include "../support/turns.hpp"
#include "../support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using asyncore::close_info;

/// What the hooks of a channel said, in their order; kept where it outlives the channel.
struct story {
  std::string said;
  std::error_code reason;
  bool stays_open = false;                  // handle_close does not close
  std::function<void()> on_data, on_closed;
  void closed(const close_info& info, int fd) {
    said += fd < 0 ? "closed " : "closed-while-open ";
    reason = info.reason;
    if (const auto act = std::exchange(on_closed, nullptr)) act();
  }
};

template <class Place>
struct watcher;
template <class Place>
struct file;
template <class Place>
struct plain;
template <class Place>
struct sender;
template <class Place>
struct chat;
template <class Place>
struct silent;
template <class Place>
using loop_of = typename Place::template loop<watcher<Place>, file<Place>, plain<Place>,
                                              sender<Place>, chat<Place>, silent<Place>>;

/// What all have in common.
template <class Base>
struct telling : Base {
  template <class... Source>
  explicit telling(typename Base::loop_type& loop, story& of, Source&&... source)
      : Base(loop, std::forward<Source>(source)...), it(of) {}
  ~telling() { it.said += "gone "; }
  void log(std::string_view) {}
  void handle_data(std::span<const std::byte>) {
    it.said += "data ";
    if (const auto act = it.on_data) act();
  }
  void handle_close() {
    it.said += "close ";
    if (!it.stays_open) this->close();
  }
  void handle_error() {
    it.said += "error ";
    this->close();
  }
  void handle_closed(const close_info& info) { it.closed(info, this->native_handle()); }
  story& it;
};

template <class Place>
struct watcher : asyncore::channel<watcher<Place>, loop_of<Place>> {
  watcher(loop_of<Place>& loop, story& of, int fd) : watcher::channel(loop, fd), it(of) {}
  ~watcher() { it.said += "gone "; }
  void handle_read() {
    it.said += "data ";
    this->close();
  }
  void handle_closed(const close_info& info) { it.closed(info, -1); }  // the descriptor is another's
  story& it;
};
template <class Place>
struct file : telling<asyncore::file_dispatcher<file<Place>, loop_of<Place>>> {
  using file::telling::telling;
};
template <class Place>
struct plain : telling<asyncore::dispatcher<plain<Place>, loop_of<Place>>> {
  using plain::telling::telling;
};
template <class Place>
struct sender : telling<asyncore::dispatcher_with_send<sender<Place>, loop_of<Place>>> {
  using sender::telling::telling;
};
template <class Place>
struct chat : telling<asyncore::async_chat<chat<Place>, loop_of<Place>>> {
  using chat::telling::telling;
  using chat::async_chat::handle_data;
  void collect_incoming_data(std::span<const std::byte>) { this->it.said += "data "; }
  void found_terminator() {}
};
/// Without the hook.
template <class Place>
struct silent : asyncore::dispatcher_with_send<silent<Place>, loop_of<Place>> {
  using silent::dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte>) {}
};

template <class Place>
struct scene {
  test::ends pair = test::socket_pair();
  story it;
  loop_of<Place> loop;
  template <template <class> class Kind>
  Kind<Place>& emplace() {
    return loop.template emplace<Kind<Place>>(it, asyncore::socket(std::move(pair.near)));
  }
  bool until(std::string_view said) {
    return test::turn_until(loop, [&] { return it.said == said; });
  }
};

template <template <class> class Kind, class Place>
void ends_with_its_peer() {
  scene<Place> s;
  s.template emplace<Kind>();
  test::put(s.pair.far, "x");
  BOOST_TEST(s.until("data "), s.it.said);
  s.pair.far.reset();
  BOOST_TEST(s.until("data close closed gone "), s.it.said);
  BOOST_TEST(!s.it.reason);
  BOOST_TEST(s.loop.empty());
}

BOOST_FIXTURE_TEST_SUITE(last_hook, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(of_each_kind, Place, test::one_a_poller) {
  ends_with_its_peer<plain, Place>();
  ends_with_its_peer<sender, Place>();
  ends_with_its_peer<chat, Place>();
  {
    scene<Place> s;
    test::ends pipe = test::pipe_to_near();
    s.loop.template emplace<file<Place>>(s.it, std::move(pipe.near));
    pipe.far.reset();
    BOOST_TEST(s.until("close closed gone "), s.it.said);
  }
  {
    scene<Place> s;
    s.loop.template emplace<watcher<Place>>(s.it, s.pair.near.get());
    test::put(s.pair.far, "x");
    BOOST_TEST(s.until("data closed gone "), s.it.said);
    BOOST_TEST(test::is_open(s.pair.near.get()));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(of_one_that_the_user_owns, Place, test::one_a_poller) {
  scene<Place> s;
  sender<Place> one(s.loop, s.it, asyncore::socket(std::move(s.pair.near)));
  s.it.on_data = [&] { one.close(); };
  test::put(s.pair.far, "x");
  BOOST_TEST(s.until("data closed "), s.it.said);
  // Closed already, and again in another turn.
  one.close();
  test::turn(s.loop, 2);
  BOOST_TEST(s.it.said == "data closed ");
  // A second life has a second end, also of a close outside of a turn.
  test::ends other = test::socket_pair();
  one.set_socket(asyncore::socket(std::move(other.near)));
  one.close();
  BOOST_TEST(s.it.said == "data closed ");
  test::turn(s.loop);
  BOOST_TEST(s.it.said == "data closed closed ");
  // One that has left the map has not ended yet.
  test::ends third = test::socket_pair();
  one.set_socket(asyncore::socket(std::move(third.near)));
  one.del_channel();
  test::turn(s.loop, 2);
  BOOST_TEST(s.it.said == "data closed closed ");
  one.close();
  test::turn(s.loop, 2);
  BOOST_TEST(s.it.said == "data closed closed closed ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(not_of_what_its_owner_destroys, Place, test::one_a_poller) {
  scene<Place> s;
  auto one =
      std::make_unique<sender<Place>>(s.loop, s.it, asyncore::socket(std::move(s.pair.near)));
  s.it.on_data = [&] {
    one->close();
    one.reset();
  };
  test::put(s.pair.far, "x");
  BOOST_TEST(s.until("data gone "), s.it.said);
  test::turn(s.loop, 2);
  BOOST_TEST(s.it.said == "data gone ");
}

// The hook may destroy its channel.
BOOST_AUTO_TEST_CASE_TEMPLATE(its_channel_may_go, Place, test::one_a_poller) {
  scene<Place> s;
  auto one =
      std::make_unique<sender<Place>>(s.loop, s.it, asyncore::socket(std::move(s.pair.near)));
  s.it.on_closed = [&] { one.reset(); };
  s.pair.far.reset();
  BOOST_TEST(s.until("close closed gone "), s.it.said);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(at_the_end_of_the_loop, Place, test::one_a_poller) {
  story owned, idle, users, left;
  test::ends one = test::socket_pair(), two = test::socket_pair(), three = test::socket_pair();
  const int fd = one.near.get();
  {
    auto loop = std::make_unique<loop_of<Place>>();
    loop->template emplace<sender<Place>>(owned, asyncore::socket(std::move(one.near)));
    loop->template emplace<sender<Place>>(idle);
    sender<Place> user(*loop, users, asyncore::socket(std::move(two.near)));
    chat<Place> gone_out(*loop, left, asyncore::socket(std::move(three.near)));
    gone_out.del_channel();
    test::turn(*loop);
    owned.on_closed = [&] { BOOST_TEST(!test::is_open(fd)); };
    loop.reset();
    BOOST_TEST(owned.said == "closed gone ");
    BOOST_TEST(idle.said == "closed gone ");
    BOOST_TEST(users.said == "closed ");
    BOOST_TEST(left.said == "closed ");
    user.close();
  }
  BOOST_TEST(users.said == "closed gone ");
  BOOST_TEST(left.said == "closed gone ");
}

// A loop ends, also when its last hooks open what closes.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_end_of_the_loop_is_one, Place, test::one_a_poller) {
  story it;
  int opened = 0;
  sender<Place>* one = nullptr;
  const std::function<void()> again = [&] {
    ++opened;
    it.on_closed = again;
    one->create_socket();
  };
  {
    loop_of<Place> loop;
    one = &loop.template emplace<sender<Place>>(it);
    one->create_socket();
    it.on_closed = again;
  }
  BOOST_TEST(opened > 0);
  BOOST_TEST(it.said.ends_with("closed gone "));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_owned_channel_that_opens_again_lives_on, Place,
                              test::one_a_poller) {
  scene<Place> s;
  auto& one = s.template emplace<sender>();
  test::ends other = test::socket_pair();
  s.it.on_closed = [&] { one.set_socket(asyncore::socket(std::move(other.near))); };
  s.pair.far.reset();
  BOOST_TEST(s.until("close closed "), s.it.said);
  test::put(other.far, "x");
  BOOST_TEST(s.until("close closed data "), s.it.said);
  s.it.on_closed = [&] { one.close(); };  // it has closed
  other.far.reset();
  BOOST_TEST(s.until("close closed data close closed gone "), s.it.said);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(not_of_one_that_is_opened_in_the_same_turn, Place,
                              test::one_a_poller) {
  scene<Place> s;
  auto& one = s.template emplace<sender>();
  test::ends other = test::socket_pair();
  s.it.on_data = [&] {
    one.close();
    one.set_socket(asyncore::socket(std::move(other.near)));
  };
  test::put(s.pair.far, "x");
  BOOST_TEST(s.until("data "), s.it.said);
  test::turn(s.loop, 2);
  BOOST_TEST(s.it.said == "data ");
  other.far.reset();
  BOOST_TEST(s.until("data close closed gone "), s.it.said);
}

// Others have their turns between two ends of a channel that opens and closes in its last hook.
BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_closes_at_once_keeps_nobody, Place, test::one_a_poller) {
  story other;
  scene<Place> s;
  test::ends pair = test::socket_pair();
  s.loop.template emplace<sender<Place>>(other, asyncore::socket(std::move(pair.near)));
  auto& one = s.template emplace<sender>();
  int again = 0;
  std::function<void()> reopen = [&] {
    if (++again == 1000) return s.loop.stop();
    s.it.on_closed = reopen;
    one.create_socket();
    one.close();
  };
  s.it.on_closed = reopen;
  s.pair.far.reset();
  test::put(pair.far, "x");
  other.on_data = [&] { BOOST_TEST(again < 1000); };
  s.loop.run();  // which does not wait meanwhile
  BOOST_TEST(again == 1000);
  BOOST_TEST(other.said == "data ");
}

// What it opens and what it sends is as if another hook had done it.
// It may end others, which would wait in vain.
BOOST_AUTO_TEST_CASE_TEMPLATE(no_wait_comes_before_it, Place, test::one_a_poller) {
  using clock = test::virtual_clock;
  using timeless = test::timeless<Place>;
  clock::reset();
  story other;
  scene<timeless> s;
  test::ends pair = test::socket_pair();
  s.loop.template emplace<sender<timeless>>(other, asyncore::socket(std::move(pair.near)));
  auto& one = s.template emplace<sender>();
  s.loop.poll(std::chrono::seconds(1));
  BOOST_CHECK(clock::passed() == std::chrono::seconds(1));
  one.close();  // outside of a turn
  s.loop.poll(std::chrono::seconds(1));
  BOOST_TEST(s.it.said == "closed gone ");
  BOOST_CHECK(clock::passed() == std::chrono::seconds(1));
  s.loop.poll(std::chrono::seconds(1));
  BOOST_CHECK(clock::passed() == std::chrono::seconds(2));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_may_use_the_loop, Place, test::one_a_poller) {
  story other;
  scene<Place> s;
  test::ends pair = test::socket_pair();
  auto& one = s.template emplace<sender>();
  one.close();
  s.it.on_closed = [&] {
    auto& heir =
        s.loop.template emplace<sender<Place>>(other, asyncore::socket(std::move(pair.near)));
    heir.send("hello");
    heir.close_when_done();
  };
  s.loop.run({.timeout = std::chrono::nanoseconds(0), .count = 5});
  BOOST_TEST(s.it.said == "closed gone ");
  BOOST_TEST(test::take(pair.far) == "hello");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_connection_that_is_refused, Place, test::one_a_poller) {
  asyncore::endpoint nobody;
  {
    const test::unique_fd listener = test::tcp_listener();
    nobody = test::name_of(listener.get());
  }
  scene<Place> s;
  auto& one = s.loop.template emplace<sender<Place>>(s.it);
  one.create_socket();
  one.connect(nobody);
  one.send("never");
  BOOST_TEST(s.until("error closed gone "), s.it.said);
  BOOST_TEST((s.it.reason == std::errc::connection_refused));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_reset_is_no_end, Place, test::one_a_poller) {
  scene<Place> s;
  test::ends tcp = test::tcp_pair();
  s.loop.template emplace<sender<Place>>(s.it, asyncore::socket(std::move(tcp.near)));
  test::reset(tcp.far);
  BOOST_TEST(s.until("close closed gone "), s.it.said);
  BOOST_TEST((s.it.reason == std::errc::connection_reset));
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE_TEMPLATE(what_a_hook_throws_is_the_reason, Place, test::one_a_poller) {
  for (const bool with_errno : {true, false}) {
    scene<Place> s;
    s.template emplace<plain>();
    s.it.on_data = [&] {
      if (with_errno) asyncore::detail::throw_error(asyncore::errno_code(ENOENT), "on purpose");
      throw std::runtime_error("on purpose");
    };
    test::put(s.pair.far, "x");
    BOOST_TEST(s.until("data error closed gone "), s.it.said);
    BOOST_TEST((s.it.reason == (with_errno ? std::errc::no_such_file_or_directory
                                           : std::errc::operation_canceled)));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_it_throws_is_logged, Place, test::one_a_poller) {
  story other;
  scene<Place> s;
  test::ends pair = test::socket_pair();
  s.loop.template emplace<sender<Place>>(other, asyncore::socket(std::move(pair.near)));
  s.template emplace<sender>();
  s.it.on_closed = [] { throw std::runtime_error("on purpose"); };
  s.pair.far.reset();
  bool seen = false;
  const std::string logged =
      test::stderr_of([&] { seen = s.until("close closed gone "); });
  BOOST_TEST(seen, s.it.said);
  BOOST_TEST(logged.find("handle_closed") != logged.npos, logged);
  BOOST_TEST(logged.find("on purpose") != logged.npos, logged);
  test::put(pair.far, "x");
  BOOST_TEST(test::turn_until(s.loop, [&] { return other.said == "data "; }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(exit_now_there_stops, Place, test::one_a_poller) {
  story other;
  scene<Place> s;
  test::ends pair = test::socket_pair();
  s.loop.template emplace<sender<Place>>(other, asyncore::socket(std::move(pair.near)));
  s.template emplace<sender>();
  s.it.on_closed = [] { throw asyncore::exit_now(); };
  s.pair.far.reset();
  s.loop.run();
  BOOST_TEST(s.it.said == "close closed gone ");
  BOOST_TEST(s.loop.size() == 1u);
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(of_close_all, Place, test::one_a_poller) {
  scene<Place> s;
  sender<Place> user(s.loop, s.it, asyncore::socket(std::move(s.pair.near)));
  story owned;
  test::ends pair = test::socket_pair();
  s.loop.template emplace<chat<Place>>(owned, asyncore::socket(std::move(pair.near)));
  s.loop.close_all(true);
  BOOST_TEST(s.it.said == "closed ");
  BOOST_TEST(owned.said == "closed gone ");
}

// A class without the hook ends as ever beside one that has it.
BOOST_AUTO_TEST_CASE_TEMPLATE(nobody_has_to_be_told, Place, test::one_a_poller) {
  scene<Place> s;
  s.loop.template emplace<silent<Place>>(asyncore::socket(std::move(s.pair.near)));
  silent<Place> user(s.loop);
  user.create_socket();
  user.close();
  s.pair.far.reset();
  BOOST_TEST(test::turn_until(s.loop, [&] { return s.loop.empty(); }));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

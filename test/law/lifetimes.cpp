// SPDX-License-Identifier: BSL-1.0
// Law 2, beside destroy_anything.cpp: in which order the bits of a report are dispatched, when
// owned channels are destroyed, and calls of the library in the middle of which a channel goes.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/scripted_poller.hpp"
#include "../support/turns.hpp"

namespace {

using asyncore::readiness;
using test::ends;

// What happened, and what is to happen in which hook.
struct story {
  // True if the act has been done: the channel may be gone.
  bool tell(const std::string& hook) {
    hooks.push_back(hook);
    if (!act || hook != where) return false;
    const auto now = std::exchange(act, nullptr);
    now();
    return true;
  }
  std::vector<std::string> hooks;
  std::string where;
  std::function<void()> act;
  int alive = 0;
};

template <class Base>
struct told : Base {
  template <class... Source>
  told(typename Base::loop_type& loop, story& by, Source&&... source)
      : Base(loop, std::forward<Source>(source)...), story_(by) {
    ++story_.alive;
  }
  ~told() {
    --story_.alive;
    if (const auto act = std::exchange(on_destruction, nullptr)) act();
  }
  void handle_read() {
    [[maybe_unused]] std::byte buffer[64];
    if (story_.tell("read")) return;
    if constexpr (requires { this->recv(buffer); }) (void)this->recv(buffer);
  }
  void handle_write() { story_.tell("write"); }
  void handle_expt() { story_.tell("expt"); }
  void handle_close() {
    if (!story_.tell("close") && closes) this->close();
  }
  void log(std::string_view) {}
  bool writable() const { return wants_write; }

  bool wants_write = true;
  bool closes = true;
  std::function<void()> on_destruction;

 protected:
  story& story_;
};

template <class Place>
struct plain_channel;
template <class Place>
struct stream;
template <class Place>
struct sender;
template <class Place>
struct mute;
template <class Place>
using story_loop = typename Place::template loop<plain_channel<Place>, stream<Place>,
                                                 sender<Place>, mute<Place>>;
template <class Place>
struct plain_channel : told<asyncore::channel<plain_channel<Place>, story_loop<Place>>> {
  using plain_channel::told::told;
};
template <class Place>
struct stream : told<asyncore::dispatcher<stream<Place>, story_loop<Place>>> {
  using stream::told::told;
};
template <class Place>
struct sender : told<asyncore::dispatcher_with_send<sender<Place>, story_loop<Place>>> {
  using sender::told::told;
};
// Without a hook for the end.
template <class Place>
struct mute : asyncore::channel<mute<Place>, story_loop<Place>> {
  mute(story_loop<Place>& loop, story& by, int fd)
      : asyncore::channel<mute, story_loop<Place>>(loop, fd), story_(by) {}
  void handle_read() { story_.tell("read"); }
  void handle_error() {
    story_.tell("error");
    this->close();
  }
  story& story_;
};

asyncore::socket socket_of(test::unique_fd& fd) { return asyncore::socket(std::move(fd)); }

[[maybe_unused]] constexpr readiness all_bits = readiness::read | readiness::write |
                                                readiness::expt | readiness::error |
                                                readiness::hangup;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(lifetimes, test::world)

#if !defined(TEST_SIMULATED)
// Read, write, expt, close; and none after the one that closes or destroys the channel.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_order_of_a_report, Place, test::scripted_matrix) {
  const std::vector<std::string> order = {"read", "write", "expt"};
  for (const bool destroyed : {false, true})
    for (std::size_t last = 0; last < 4; ++last) {
      test::poller_script script;
      story told_by;
      story_loop<Place> loop(script);
      ends pair = test::socket_pair();
      auto channel = std::make_unique<plain_channel<Place>>(loop, told_by, pair.near.get());
      test::turn(loop);
      told_by.where = last < 3 ? order[last] : "";
      told_by.act = [&] { destroyed ? channel.reset() : channel->close(); };
      script.reports = {{channel->id(), all_bits}};
      test::turn(loop);
      const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(last, 2));
      BOOST_CHECK(told_by.hooks == std::vector<std::string>(order.begin(), end + 1));
      BOOST_CHECK_EQUAL(loop.size(), last < 3 ? 0u : 1u);
    }
}

// Only hung up: the last hook, once.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_end_of_a_report, Place, test::scripted_matrix) {
  test::poller_script script;
  story told_by;
  story_loop<Place> loop(script);
  ends pair = test::socket_pair();
  plain_channel<Place> channel(loop, told_by, pair.near.get());
  channel.closes = false;
  test::turn(loop);
  script.reports = {{channel.id(), readiness::write | readiness::hangup}};
  test::turn(loop, 3);
  BOOST_CHECK(told_by.hooks == (std::vector<std::string>{"write", "close"}));
  // The kernel is not asked again, but for the waker.
  BOOST_CHECK(std::none_of(script.known.begin(), script.known.end(),
                           [&](const auto& w) { return w.id.fd == pair.near.get(); }));
}
#endif

// Not in the hook that closes them, and not later than the turn; however it ends.
BOOST_AUTO_TEST_CASE_TEMPLATE(owned_channels_live_to_the_end_of_the_turn, Place, test::matrix) {
  for (const bool leaves : {false, true}) {
    if (leaves && !ASYNCORE_HAS_EXCEPTIONS) continue;
    story told_by;
    story_loop<Place> loop;
    ends pair = test::socket_pair();
    auto& channel = loop.template emplace<stream<Place>>(told_by, socket_of(pair.near));
    told_by.where = "read";
    told_by.act = [&] {
      channel.close();
      BOOST_CHECK_EQUAL(told_by.alive, 1);
#if ASYNCORE_HAS_EXCEPTIONS
      if (leaves) throw asyncore::exit_now();
#endif
    };
    channel.wants_write = false;
    test::put(pair.far, "x");
#if ASYNCORE_HAS_EXCEPTIONS
    if (leaves)
      BOOST_CHECK_THROW(test::turn(loop), asyncore::exit_now);
    else
#endif
      test::turn(loop);
    BOOST_CHECK_EQUAL(told_by.alive, 0);
  }
}

// Until the end of the turn a closed channel may be given another socket, and then stays.
BOOST_AUTO_TEST_CASE_TEMPLATE(an_owned_channel_begins_anew, Place, test::matrix) {
  story told_by;
  story_loop<Place> loop;
  ends pair = test::socket_pair(), next = test::socket_pair();
  auto& channel = loop.template emplace<stream<Place>>(told_by, socket_of(pair.near));
  channel.wants_write = false;
  told_by.where = "close";
  told_by.act = [&] {
    channel.close();
    channel.set_socket(socket_of(next.near));
  };
  pair.far.reset();
  BOOST_CHECK(test::turn_until(loop, [&] { return told_by.act == nullptr; }));
  test::turn(loop, 3);
  BOOST_CHECK_EQUAL(told_by.alive, 1);
  told_by.hooks.clear();
  test::put(next.far, "x");
  test::turn(loop);
  BOOST_CHECK(told_by.hooks == std::vector<std::string>{"read"});
}

// A destructor that closes the next one, and so on; the last one adds a channel.
BOOST_AUTO_TEST_CASE_TEMPLATE(destructors_that_act, Place, test::matrix) {
  story told_by;
  story_loop<Place> loop;
  std::vector<ends> pairs;
  stream<Place>* first = nullptr;
  for (int i = 0; i < 10; ++i) {
    pairs.push_back(test::socket_pair());
    auto& channel = loop.template emplace<stream<Place>>(told_by, socket_of(pairs.back().near));
    channel.wants_write = false;
    channel.on_destruction = [&loop, &told_by, next = first] {
      if (next != nullptr) return next->close();
      ends unused = test::socket_pair();
      loop.template emplace<stream<Place>>(told_by, socket_of(unused.near)).wants_write = false;
    };
    first = &channel;
  }
  first->close();
  test::turn(loop);
  BOOST_CHECK_EQUAL(told_by.alive, 1);
  BOOST_CHECK_EQUAL(loop.size(), 1u);
}

// The peer is gone: handle_close, which destroys the channel, is called from inside of `recv` and
// of `send`, in a turn and outside of one.
template <class Place, class Channel>
void gone_inside_of_a_call(bool in_turn, std::size_t length) {
  story told_by;
  story_loop<Place> loop;
  ends pair = test::socket_pair();
  auto channel = std::make_unique<Channel>(loop, told_by, socket_of(pair.near));
  channel->wants_write = in_turn && length > 0;
  const auto call = [&] {
    pair.far.reset();
    told_by.where = "close";
    told_by.act = [&] { channel.reset(); };
    std::byte buffer[8];
    if (length == 0) return channel->recv(buffer);
    return channel->send(std::string(length, 'x'));
  };
  if (!in_turn) {
    BOOST_CHECK(call().closed());
  } else {
    told_by.where = length == 0 ? "close" : "write";
    told_by.act = [&] { length == 0 ? channel.reset() : void(call()); };
    if (length == 0) pair.far.reset();  // handle_read calls recv
    test::turn(loop, 2);
  }
  BOOST_CHECK(channel == nullptr);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(gone_in_recv_and_send, Place, test::matrix) {
  for (const bool in_turn : {false, true})
    for (const std::size_t length : {0u, 10u, 100'000u}) {
      gone_inside_of_a_call<Place, stream<Place>>(in_turn, length);
      gone_inside_of_a_call<Place, sender<Place>>(in_turn, length);
    }
}

// The loop goes first: it closes what has not closed, in its map or not, with what waits to be
// sent.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_channel_that_outlives_its_loop, Place, test::matrix) {
  for (const bool registered : {false, true}) {
    story told_by;
    ends pair = test::socket_pair(), other = test::socket_pair();
    std::unique_ptr<sender<Place>> survivor, closed;
    {
      story_loop<Place> loop;
      survivor = std::make_unique<sender<Place>>(loop, told_by, socket_of(pair.near));
      closed = std::make_unique<sender<Place>>(loop, told_by);
      loop.template emplace<sender<Place>>(told_by, socket_of(other.near));
      survivor->send(std::string(1'000'000, 'x'));
      BOOST_CHECK_GT(survivor->queued(), 0u);
      if (!registered) survivor->del_channel();
    }
    BOOST_CHECK_EQUAL(told_by.alive, 2);
    BOOST_CHECK_EQUAL(survivor->native_handle(), -1);
    BOOST_CHECK(test::at_end(other.far));
    BOOST_CHECK(test::at_end(pair.far));
  }
}

#if ASYNCORE_HAS_EXCEPTIONS
// An error in the hook that closes a channel closes it all the same, and nothing else.
BOOST_AUTO_TEST_CASE_TEMPLATE(handle_close_throws, Place, test::matrix) {
  for (const int error : {0, EPIPE, ENOMEM}) {
    story told_by, other;
    story_loop<Place> loop;
    ends pair = test::socket_pair(), other_pair = test::socket_pair();
    stream<Place> bystander(loop, other, socket_of(other_pair.near));
    bystander.wants_write = false;
    loop.template emplace<stream<Place>>(told_by, socket_of(pair.near));
    told_by.where = "close";
    told_by.act = [&] {
      if (error != 0) throw std::system_error(asyncore::errno_code(error));
      throw std::runtime_error("on purpose");
    };
    pair.far.reset();
    test::turn(loop, 5);
    BOOST_CHECK_EQUAL(told_by.alive, 0);
    BOOST_CHECK_EQUAL(std::count(told_by.hooks.begin(), told_by.hooks.end(), "close"), 1);
    BOOST_CHECK_EQUAL(loop.size(), 1u);
  }
}

// What says that the peer is gone counts as handle_close; where there is none, it is an error like
// any other.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_disconnect_is_thrown, Place, test::matrix) {
  story of_stream, of_mute;
  story_loop<Place> loop;
  ends pair = test::socket_pair(), mute_pair = test::socket_pair();
  stream<Place> one(loop, of_stream, socket_of(pair.near));
  one.wants_write = false;
  mute<Place> other(loop, of_mute, mute_pair.near.get());
  of_stream.where = of_mute.where = "read";
  of_stream.act = of_mute.act = [] {
    throw std::system_error(asyncore::errno_code(ECONNRESET), "on purpose");
  };
  test::put(pair.far, "x");
  test::put(mute_pair.far, "x");
  test::turn(loop, 5);
  BOOST_CHECK(of_stream.hooks == (std::vector<std::string>{"read", "close"}));
  BOOST_CHECK(of_mute.hooks == (std::vector<std::string>{"read", "error"}));
  BOOST_CHECK(loop.empty());
}

// A turn does not nest.
BOOST_AUTO_TEST_CASE_TEMPLATE(polled_in_a_hook, Place, test::matrix) {
  story told_by;
  story_loop<Place> loop;
  ends pair = test::socket_pair();
  stream<Place> one(loop, told_by, socket_of(pair.near));
  one.wants_write = false;
  told_by.where = "read";
  std::error_code refused;
  told_by.act = [&] {
    try {
      loop.poll();
    } catch (const std::system_error& e) {
      refused = e.code();
    }
  };
  test::put(pair.far, "x");
  test::turn(loop);
  BOOST_CHECK(refused == std::errc::operation_not_permitted);
}
#endif

BOOST_AUTO_TEST_SUITE_END()

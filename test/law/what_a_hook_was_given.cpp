// SPDX-License-Identifier: BSL-1.0
// Law 13: the bytes that `handle_data` or `collect_incoming_data` was given do not change before it
// returns, whatever it calls.
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>


#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

namespace {

using namespace std::chrono_literals;
using asyncore::as_text;
using asyncore::readiness;
using test::ends;
using test::matrix;
using bytes = std::span<const std::byte>;

template <class Place>
struct queued;
template <class Place>
struct plain;
template <class Place>
struct filed;
template <class Place>
struct chatting;
template <class Place>
using loop_of = typename Place::template loop<queued<Place>, plain<Place>, filed<Place>,
                                              chatting<Place>>;

/// What all of them do with what they are given, and have been given.
struct listener {
  void hear(bytes data) {
    const std::string before(as_text(data));
    got += before;
    if (const auto act = std::exchange(on_data, nullptr)) act(data);
    if (as_text(data) != before) ++changes;
  }
  std::function<void(bytes)> on_data;  // called once
  std::string& got;
  int& changes;
};

/// A channel, its peer, and what outlives them.
struct story {
  ends pair = test::socket_pair();
  std::string got;
  int changes = 0;  // of what a hook was given, before it returned
};

template <class Place>
struct queued : asyncore::dispatcher_with_send<queued<Place>, loop_of<Place>>, listener {
  queued(loop_of<Place>& loop, story& s)
      : queued::dispatcher_with_send(loop, asyncore::socket(std::move(s.pair.near))),
        listener{nullptr, s.got, s.changes} {}
  void handle_data(bytes data) { this->hear(data); }
  void handle_drain() {
    this->handle_read_event();
    this->close();
  }
  void handle_close() { this->close(); }
  void handle_error() {}
  void log(std::string_view) {}
};

template <class Place>
struct plain : asyncore::dispatcher<plain<Place>, loop_of<Place>>, listener {
  plain(loop_of<Place>& loop, story& s)
      : plain::dispatcher(loop, asyncore::socket(std::move(s.pair.near))),
        listener{nullptr, s.got, s.changes} {}
  void handle_data(bytes data) { this->hear(data); }
  void handle_drain() {
    this->handle_read_event();
    this->close();
  }
  void handle_close() { this->close(); }
  void handle_error() {}
  void log(std::string_view) {}
};

template <class Place>
struct filed : asyncore::file_dispatcher<filed<Place>, loop_of<Place>>, listener {
  filed(loop_of<Place>& loop, story& s)
      : filed::file_dispatcher(loop), listener{nullptr, s.got, s.changes} {
    this->set_file(std::move(s.pair.near));
  }
  void handle_data(bytes data) { this->hear(data); }
  void handle_drain() {
    this->handle_read_event();
    this->close();
  }
  void handle_close() { this->close(); }
  void handle_error() {}
  void log(std::string_view) {}
};

template <class Place>
struct chatting : asyncore::async_chat<chatting<Place>, loop_of<Place>>, listener {
  chatting(loop_of<Place>& loop, story& s)
      : chatting::async_chat(loop, asyncore::socket(std::move(s.pair.near))),
        listener{nullptr, s.got, s.changes} {
    this->set_terminator("\n");
  }
  void collect_incoming_data(bytes data) { this->hear(data); }
  void found_terminator() { this->got += "."; }
  void handle_drain() {
    this->handle_read_event();
    this->close();
  }
  void handle_error() {}
  void log(std::string_view) {}
};

/// Reads of a loop that have been made before: the first one makes the buffers.
template <class Loop>
void warm_up(Loop& loop) {
  test::turn(loop);
}

/// Every way in which a hook may have another channel read.
template <class Loop, class Channel>
std::vector<std::function<void()>> ways_of_reading(Loop& loop, Channel& other) {
  return {[&] { loop.readwrite(other, readiness::read); },
          [&] { loop.readwrite(other, readiness::read | readiness::hangup); },
          [&] { other.handle_read_event(); }, [&] { loop.drain(1s); }};
}

template <class Outer, class Inner>
void nested() {
  for (const bool warm : {false, true})
    for (std::size_t way = 0; way < 4; ++way) {
      typename Outer::loop_type loop;
      story a, b;
      Outer outer(loop, a);
      Inner inner(loop, b);
      if (warm) {
        test::put(a.pair.far, "warm ");
        test::put(b.pair.far, "warm ");
        warm_up(loop);
      }
      a.got.clear();
      b.got.clear();
      outer.on_data = [&](bytes) {
        test::put(b.pair.far, "the secret of b");
        ways_of_reading(loop, inner)[way]();
      };
      test::put(a.pair.far, "what a sent");
      warm_up(loop);
      BOOST_TEST(a.changes == 0, "way " << way);
      BOOST_TEST(a.got == "what a sent");
      BOOST_TEST(b.got == "the secret of b");
      if (!outer.registered() || !inner.registered()) continue;  // drained
      test::put(a.pair.far, "again");
      test::put(b.pair.far, "again");
      warm_up(loop);
      BOOST_TEST(a.got == "what a sentagain");
      BOOST_TEST(b.got == "the secret of bagain");
    }
}

template <class Outer>
void nested_in(auto place) {
  using at = decltype(place);
  nested<Outer, queued<at>>();
  nested<Outer, plain<at>>();
  nested<Outer, filed<at>>();
  nested<Outer, chatting<at>>();
}

/// Three channels, the first of which has the second read and so on: each leaves the loop as it
/// found it, whatever it does at last.
template <class Place>
struct tower {
  tower() {
    for (story& s : stories) channels.push_back(std::make_unique<queued<Place>>(loop, s));
    for (story& s : stories) test::put(s.pair.far, "warm");
    test::turn(loop);
    for (story& s : stories) s.got.clear();
  }
  void build(std::function<void(bytes)> at_the_top) {
    for (std::size_t i = 0; i + 1 < height; ++i)
      channels[i]->on_data = [this, i](bytes) {
        test::put(stories[i + 1].pair.far, std::to_string(i + 1));
        loop.readwrite(*channels[i + 1], readiness::read);
      };
    channels.back()->on_data = std::move(at_the_top);
    test::put(stories[0].pair.far, "0");
    test::turn(loop);
  }
  void check() {
    for (story& s : stories) BOOST_TEST(s.changes == 0);
    for (std::size_t i = 0; i < height; ++i) {
      if (channels[i] == nullptr || !channels[i]->registered()) continue;
      stories[i].got.clear();
      test::put(stories[i].pair.far, "alive");
      test::turn(loop);
      BOOST_TEST(stories[i].got == "alive");
    }
  }
  static constexpr std::size_t height = 5;
  loop_of<Place> loop;
  story stories[height];
  std::vector<std::unique_ptr<queued<Place>>> channels;
};

BOOST_FIXTURE_TEST_SUITE(what_a_hook_was_given, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(stays_while_others_read, Place, matrix) {
  nested_in<queued<Place>>(Place());
  nested_in<plain<Place>>(Place());
  nested_in<filed<Place>>(Place());
  nested_in<chatting<Place>>(Place());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stays_while_its_own_channel_reads_on, Place, matrix) {
  loop_of<Place> loop;
  story a;
  queued<Place> one(loop, a);
  for (int i = 0; i < 3; ++i) {
    a.got.clear();
    one.on_data = [&](bytes) {
      test::put(a.pair.far, "and more");
      one.handle_read_event();
    };
    test::put(a.pair.far, "this");
    test::turn(loop);
    BOOST_TEST(a.got == "thisand more");
    BOOST_TEST(a.changes == 0);
  }
}

// What is read in the middle of a line would come before its rest.
BOOST_AUTO_TEST_CASE_TEMPLATE(keeps_its_order_in_a_chat_that_reads_on, Place, matrix) {
  loop_of<Place> loop;
  story a;
  chatting<Place> one(loop, a);
  one.on_data = [&](bytes) {
    test::put(a.pair.far, "three\n");
    one.handle_read_event();
  };
  test::put(a.pair.far, "one\ntwo\n");
  test::turn(loop, 3);
  BOOST_TEST(a.got == "one.two.three.");
  BOOST_TEST(a.changes == 0);
}

// What a hook sends of the bytes that it was given waits on the stage, which does not copy it.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_sent_as_it_was, Place, matrix) {
  loop_of<Place> loop;
  story a, b;
  queued<Place> one(loop, a), other(loop, b);
  for (const bool gives_up : {false, false, true}) {
    other.on_data = [&](bytes data) { one.send(data); };
    one.on_data = [&](bytes data) {
      one.send(data.first(5));
      if (gives_up) one.initiate_send();
      test::put(b.pair.far, "other");
      loop.readwrite(other, readiness::read);
      one.send(data.last(5));
    };
    test::put(a.pair.far, "first_last_");
    test::turn(loop, 2);
    BOOST_TEST(test::take(a.pair.far) == "firstotherlast_");
    BOOST_TEST(test::take(b.pair.far) == "");
    BOOST_TEST(a.changes + b.changes == 0);
  }
}

// The stage says that the buffer is in use; a hook that gives it up is still looking.
BOOST_AUTO_TEST_CASE_TEMPLATE(stays_when_the_stage_is_given_up, Place, matrix) {
  using act = std::function<void(queued<Place>&)>;
  const act ways[] = {[](auto& c) { c.send(std::string(100'000, 'x')); },
                      [](auto& c) { c.send("x"), c.initiate_send(); },
                      [](auto& c) { c.close_when_done(); },
                      [](auto& c) { c.del_channel(), c.add_channel(); },
                      [](auto& c) { c.abort(); },
                      [](auto& c) { c.close(); }};
  for (const act& give_up : ways) {
    loop_of<Place> loop;
    story a, b;
    queued<Place> one(loop, a), other(loop, b);
    test::put(a.pair.far, "warm");
    test::turn(loop);
    one.on_data = [&](bytes) {
      give_up(one);
      test::put(b.pair.far, "the secret of b");
      loop.readwrite(other, readiness::read);
    };
    test::put(a.pair.far, "what a sent");
    test::turn(loop);
    BOOST_TEST(a.changes == 0);
    BOOST_TEST(b.got == "the secret of b");
    other.on_data = [&](bytes data) { other.send(data); };
    test::put(b.pair.far, "echo");
    test::turn(loop);
    BOOST_TEST(test::take(b.pair.far) == "echo");
  }
}

// What is read only to be dropped must not be read over it either.
BOOST_AUTO_TEST_CASE_TEMPLATE(stays_while_a_leaving_channel_drops_its_input, Place, matrix) {
  loop_of<Place> loop;
  story a, b;
  queued<Place> one(loop, a), other(loop, b);
  test::put(a.pair.far, "warm");
  test::turn(loop);
  other.close_when_done();
  one.on_data = [&](bytes) {
    test::put(b.pair.far, "nobody wants this");
    loop.readwrite(other, readiness::read);
  };
  test::put(a.pair.far, "what a sent");
  test::turn(loop);
  BOOST_TEST(a.changes == 0);
  BOOST_TEST(b.got == "");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stays_however_deep_they_are, Place, matrix) {
  tower<Place> t;
  t.build([&](bytes data) { BOOST_TEST(as_text(data) == "4"); });
  t.check();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stays_when_its_channel_is_destroyed, Place, matrix) {
  for (std::size_t gone = 0; gone < tower<Place>::height; ++gone) {
    tower<Place> t;
    t.build([&](bytes) { t.channels[gone].reset(); });
    t.check();
  }
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE_TEMPLATE(stays_when_a_hook_in_it_throws, Place, matrix) {
  {
    tower<Place> t;
    t.build([](bytes) { throw std::runtime_error("at the top"); });
    t.check();
  }
  tower<Place> t;
  t.channels.front()->on_data = [&](bytes) {
    test::put(t.stories[1].pair.far, "1");
    t.channels[1]->on_data = [](bytes) { throw std::runtime_error("in the other"); };
    BOOST_CHECK_THROW(t.channels[1]->handle_read_event(), std::runtime_error);
    throw std::runtime_error("and here");
  };
  test::put(t.stories[0].pair.far, "0");
  test::turn(t.loop);
  t.check();
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

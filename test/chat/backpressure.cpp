// SPDX-License-Identifier: BSL-1.0
// Backpressure inside of what one read has brought: pieces that wait while reading is paused, and
// what is sent between two pieces.
#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

namespace {

using test::matrix;

test::ends limited_pair() {
  test::ends pair = test::tcp_pair();
  test::limit_buffers(pair);
  return pair;
}

void expect(bool holds, int line = __builtin_LINE()) {
  BOOST_CHECK_MESSAGE(holds, "line " << line);
}

/// What happened, where it outlives its channel.
struct story {
  std::string text;  // what was collected; "|" terminator, "^" high, "_" low water, "$" close
  int errors = 0;
  std::size_t most_queued = 0;
  bool paused_in_hook = false;  // a piece was given out while reading was paused
  std::function<void()> on_collect, on_found, on_high, on_low;
};
void call(const std::function<void()>& f) {
  if (const auto copy = f) copy();
}

template <class Place>
struct talker;
template <class Place>
using loop_of = typename Place::template loop<talker<Place>>;

/// Fails when a test says so.
struct failing_transport : asyncore::socket_transport {
  static inline int failure = 0;
  template <class System, class Bytes>
  static std::ptrdiff_t send(System&& system, int fd, Bytes bytes) noexcept {
    if (failure != 0) return -std::exchange(failure, 0);
    return socket_transport::send(system, fd, bytes);
  }
};

template <class Place>
struct talker : asyncore::async_chat<talker<Place>, loop_of<Place>, failing_transport> {
  talker(loop_of<Place>& loop, asyncore::unique_fd fd, story& of)
      : talker::async_chat(loop, asyncore::socket(std::move(fd))), it(of) {
    this->set_terminator("\n");
  }
  void collect_incoming_data(std::span<const std::byte> data) {
    it.paused_in_hook |= this->reading_paused();
    it.text += asyncore::as_text(data);
    call(it.on_collect);
  }
  void found_terminator() {
    it.paused_in_hook |= this->reading_paused();
    it.text += '|';
    auto& loop = this->loop();
    const asyncore::token id = this->id();
    call(it.on_found);
    if (!loop.alive(id)) return;
    it.most_queued = std::max(it.most_queued, this->queued());
  }
  void handle_high_water() {
    it.text += '^';
    call(it.on_high);
  }
  void handle_low_water() {
    it.text += '_';
    call(it.on_low);
  }
  void handle_close() {
    it.text += '$';
    this->close();
  }
  void handle_error() { ++it.errors; }
  void log(std::string_view) {}
  story& it;
};

template <class Place>
struct scene {
  explicit scene(test::ends connection = test::socket_pair()) : pair(std::move(connection)) {
    one = std::make_unique<talker<Place>>(loop, std::move(pair.near), it);
  }
  ~scene() { expect(!it.paused_in_hook); }
  void send(std::string_view bytes) { test::put(pair.far, bytes); }
  [[gnu::noinline]] void turn(int times = 5) { test::turn(loop, times); }
  [[gnu::noinline]] bool until(const std::function<bool()>& done) {
    return test::turn_until(loop, std::ref(done));
  }
  bool tells(std::string_view text) {
    until([&] { return it.text == text; });
    turn();
    BOOST_CHECK_EQUAL(it.text, text);
    return it.text == text;
  }
  void pause_in_found() {
    it.on_found = [this] { one->pause_reading(); };
  }

  story it;
  loop_of<Place> loop;
  test::ends pair;
  std::unique_ptr<talker<Place>> one;
};

BOOST_FIXTURE_TEST_SUITE(async_chat_backpressure, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(pieces_wait_while_reading_is_paused, Place, matrix) {
  for (const bool in_collect : {true, false}) {
    scene<Place> s;
    if (in_collect) {
      s.it.on_collect = [&] { s.one->pause_reading(); };
    } else {
      s.pause_in_found();
    }
    s.send("one\ntwo\nthr");
    s.tells(in_collect ? "one" : "one|");
    s.send("ee\nfour\n");  // behind what is kept
    s.turn();
    s.one->resume_reading();
    s.tells(in_collect ? "one|two" : "one|two|");
    s.it.on_collect = s.it.on_found = nullptr;
    s.one->resume_reading();
    s.tells("one|two|three|four|");
  }
}

// The peer may wait for an answer to what it has sent.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_resumed_channel_does_not_wait_for_its_peer, Place, matrix) {
  scene<Place> s;
  s.pause_in_found();
  s.send("one\ntwo\nthree\n");
  s.tells("one|");
  for (const std::string_view text : {"one|two|", "one|two|three|"}) {
    s.one->resume_reading();
    s.turn(1);
    expect(s.it.text == text);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_pause_that_ends_in_its_hook_is_none, Place, matrix) {
  scene<Place> s;
  s.it.on_found = [&] {
    s.one->pause_reading();
    s.one->resume_reading();
  };
  s.send("one\ntwo\nthree\n");
  s.turn(1);
  expect(s.it.text == "one|two|three|");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_kept_causes_no_wake_ups, Place, matrix) {
  scene<Place> s;
  s.pause_in_found();
  s.send("one\ntwo\n");
  s.tells("one|");
  for (const bool ends : {false, true}) {
    if (ends) s.pair.far.reset();
    s.turn();
    const auto start = test::sys().now();
    s.loop.poll(std::chrono::milliseconds(5));
    expect(test::sys().now() - start >= std::chrono::milliseconds(5));
  }
}

// With and without more that lies in the kernel, on all ways that an end can come.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_end_is_behind_what_is_kept, Place, matrix) {
  for (const bool more : {true, false})
    for (const int way : {0, 1, 2}) {
      scene<Place> s(way == 0 ? test::socket_pair() : test::tcp_pair());
      s.pause_in_found();
      s.send("one\ntwo\nthree\n");
      s.tells("one|");
      if (more) s.send("four\n");
      if (way == 2) {  // unread bytes: a reset
        s.one->push("unread");
        s.turn();
        test::wait_for(s.pair.far.get(), POLLIN);
      }
      s.pair.far.reset();
      s.turn();
      expect(s.it.text == "one|");
      s.one->push("answer");  // fails
      s.turn();
      s.one->push("answer");
      s.turn();
      expect(s.it.text == "one|");
      s.it.on_found = nullptr;
      s.one->resume_reading();
      expect(s.until([&] { return s.it.text.ends_with('$'); }));
      // A reset throws away what the kernel has.
      expect(s.it.text == "one|two|three|$" || (more && s.it.text == "one|two|three|four|$"));
      if (way == 0 && more) expect(s.it.text == "one|two|three|four|$");
      expect(s.loop.empty());
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_terminator_is_set_meanwhile, Place, matrix) {
  scene<Place> s;
  s.pause_in_found();
  s.send("one\ntwo;three\nfour");
  s.tells("one|");
  s.one->set_terminator(";");
  s.one->resume_reading();
  s.tells("one|two|");
  s.one->set_terminator(5);
  s.it.on_found = nullptr;
  s.one->resume_reading();
  s.tells("one|two|three|\nfour");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_kept_is_discarded, Place, matrix) {
  for (const bool in_hook : {true, false}) {
    scene<Place> s;
    s.it.on_found = [&] {
      s.one->pause_reading();
      if (in_hook) s.one->discard_buffers();
    };
    s.send("one\ntwo\nthree");
    s.tells("one|");
    if (!in_hook) s.one->discard_buffers();
    s.it.on_found = nullptr;
    s.one->resume_reading();
    s.tells("one|");
    s.send("four\n");
    s.tells("one|four|");
  }
}

// Nothing is in front of the end any more.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_discarded_delays_no_end, Place, matrix) {
  scene<Place> s;
  s.pause_in_found();
  s.send("one\ntwo\n");
  s.tells("one|");
  s.one->discard_buffers();
  s.pair.far.reset();
  s.turn();  // a hangup is told, where there is such a thing
  s.one->resume_reading();
  expect(s.until([&] { return s.it.text == "one|$"; }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_may_be_destroyed_or_closed_anywhere, Place, matrix) {
  for (const int where : {0, 1, 2, 3, 4})
    for (const bool destroys : {true, false}) {
      scene<Place> s;
      const auto end = [&] { destroys ? s.one.reset() : s.one->close(); };
      const auto pushes = [&] { s.one->push(std::string(2'000'000, 'x')); };
      switch (where) {
        case 0:  // in the hook that paused
          s.it.on_found = [&] {
            s.one->pause_reading();
            end();
          };
          break;
        case 1: s.pause_in_found(); break;  // outside
        case 2:                             // of what is kept
          s.it.on_found = [&] {
            if (s.it.text == "one|two|") return end();
            s.one->pause_reading();
          };
          break;
        case 3:  // between two pieces
          s.it.on_found = pushes;
          s.it.on_high = end;
          break;
        default:
          s.it.on_found = pushes;
          s.it.on_high = [&] { s.one->pause_reading(); };
          s.it.on_low = end;
      }
      s.send("one\ntwo\nthree\n");
      std::string got;
      s.until([&] {
        got += test::take(s.pair.far);
        return s.it.text.ends_with('|') || s.it.text.ends_with('^') || s.it.text.ends_with('_');
      });
      s.turn();
      if (where == 1) end();
      if (where == 2) s.one->resume_reading();
      s.until([&] {
        got += test::take(s.pair.far);
        return s.loop.empty();
      });
      const char* const told[] = {"one|", "one|", "one|two|", "one|^", "one|^_"};
      BOOST_CHECK_EQUAL(s.it.text, told[where]);
      expect(s.loop.empty());
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_is_kept_while_the_channel_is_out_of_its_map, Place, matrix) {
  scene<Place> s;
  s.pause_in_found();
  s.send("one\ntwo\nthree\n");
  s.tells("one|");
  s.it.on_found = nullptr;
  s.one->del_channel();
  s.one->resume_reading();
  s.turn();
  expect(s.it.text == "one|");
  s.one->add_channel();
  s.tells("one|two|three|");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_is_dropped_with_its_connection, Place, matrix) {
  scene<Place> s;
  s.pause_in_found();
  s.send("one\ntwo\nthree\n");
  s.tells("one|");
  s.it.on_found = nullptr;
  test::ends second = test::socket_pair();
  s.one->set_socket(asyncore::socket(std::move(second.near)));
  test::put(second.far, "new\n");
  s.tells("one|new|");
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE_TEMPLATE(a_hook_that_pauses_may_throw, Place, matrix) {
  for (const bool in_collect : {true, false}) {
    scene<Place> s;
    (in_collect ? s.it.on_collect : s.it.on_found) = [&] {
      s.one->pause_reading();
      throw std::runtime_error("on purpose");
    };
    s.send("one\ntwo\n");
    s.tells(in_collect ? "one" : "one|");
    expect(s.it.errors == 1);
    s.it.on_collect = s.it.on_found = nullptr;
    s.one->resume_reading();
    s.tells("one|two|");
    expect(s.it.errors == 1);
  }
}
#endif

// What is asked for at once, and as it says in the documentation of the watermarks.
BOOST_AUTO_TEST_CASE_TEMPLATE(long_answers_to_pipelined_commands_all_arrive, Place, matrix) {
  constexpr std::size_t commands = 4'000, size = 10'000;
  scene<Place> s(limited_pair());
  std::size_t answers = 0;
  s.it.on_found = [&] {
    ++answers;
    expect(s.one->push(std::string(size, 'x')).ok());
  };
  s.it.on_high = [&] { s.one->pause_reading(); };
  s.it.on_low = [&] { s.one->resume_reading(); };
  s.send(std::string(commands, '\n'));
  std::size_t got = 0;
  expect(s.until([&] {
    got += test::take(s.pair.far).size();
    return got == commands * size;
  }));
  expect(answers == commands);
  expect(s.it.text.find('$') == std::string::npos);
  expect(s.it.most_queued <= asyncore::receive_buffer::size + 3 * size);
}

// High water is told between two pieces.
BOOST_AUTO_TEST_CASE_TEMPLATE(high_water_is_told_in_time, Place, matrix) {
  for (const bool behind_producer : {true, false}) {
    scene<Place> s(limited_pair());
    s.it.on_found = [&] {
      if (behind_producer) s.one->push_with_producer(asyncore::simple_producer("p"));
      s.one->push(std::string(1'000'000, 'x'));
    };
    s.it.on_high = [&] { s.one->pause_reading(); };
    s.send("one\ntwo\nthree\n");
    s.tells("one|^");
  }
}

// Many producers are asked between two pieces.
BOOST_AUTO_TEST_CASE_TEMPLATE(producers_of_pipelined_commands_do_not_pile_up, Place, matrix) {
  scene<Place> s;
  std::size_t got = 0;
  s.it.on_found = [&] { s.one->push_with_producer(asyncore::simple_producer("answer")); };
  s.send(std::string(3'000, '\n'));
  expect(s.until([&] {
    got += test::take(s.pair.far).size();
    return got == 18'000;
  }));
}

// A failure between two pieces.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_peer_that_is_gone_ends_it_behind_the_pieces, Place, matrix) {
  scene<Place> s;
  s.it.on_found = [&] {
    s.pair.far.reset();
    s.one->push(std::string(150'000, 'x'));
  };
  s.send("one\ntwo\nthree\n");
  expect(s.until([&] { return s.it.text.ends_with('$'); }));
  expect(s.it.text == "one|two|three|$");
  expect(s.it.errors == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_error_inside_of_a_hook_is_told_behind_it, Place, matrix) {
  scene<Place> s;
  s.it.on_found = [&] {
    s.it.on_found = nullptr;
    failing_transport::failure = EIO;
    expect(s.one->push(std::string(50'000, 'x')).ok());
    expect(s.one->push(std::string(50'000, 'x')).ok());
    expect(failing_transport::failure == 0);  // it has been tried
    expect(s.it.errors == 0);
  };
  s.send("one\ntwo\n");
  expect(s.until([&] { return s.it.text == "one|two|"; }));
  s.turn();
  expect(s.it.errors == 1);
  expect(s.one->queued() == 0);
  expect(s.one->push("behind a gap").closed());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_is_pushed_behind_the_end, Place, matrix) {
  scene<Place> s;
  s.one->push(std::string(4'000'000, 'x'));
  expect(!s.one->push("x").closed());
  s.one->close_when_done();
  expect(s.one->push("dropped").closed());
  expect(s.one->send("dropped").closed());
  s.one->discard_buffers();  // the end, too
  expect(s.one->push("x").ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

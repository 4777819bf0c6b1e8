// SPDX-License-Identifier: BSL-1.0
// Law 5: after EAGAIN the loop is still armed; after a short write it becomes armed.
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/readers.hpp"
#include "../support/turns.hpp"

namespace {

using test::asks;
using test::ends;
using test::heard;
using namespace std::chrono_literals;

constexpr std::size_t plenty = 1'500'000;  // more than any socket's buffers take at once

std::string pattern(std::size_t length) {
  std::string text(length, '\0');
  for (std::size_t i = 0; i < length; ++i) text[i] = static_cast<char>(i * i / 7);
  return text;
}

// Turns until the far end, which reads all that is there between two turns, has got as much as
// `sent`: true when it is the same.
template <class Loop>
bool arrives(Loop& loop, const test::unique_fd& far, const std::string& sent) {
  std::string got;
  test::turn_until(loop, [&] { return (got += test::take(far)).size() >= sent.size(); });
  return got == sent;
}

// Python's way to send: the channel's own buffer, handle_write and writable. Echoes.
template <class Place, asks Asks>
struct writer;
template <class Place>
using writer_loop =
    typename Place::template loop<writer<Place, asks::every_turn>, writer<Place, asks::on_rearm>>;
template <class Place, asks Asks>
struct writer : asyncore::dispatcher<writer<Place, Asks>, writer_loop<Place>>,
                test::pausable<Asks> {
  writer(writer_loop<Place>& loop, test::unique_fd fd)
      : asyncore::dispatcher<writer, writer_loop<Place>>(loop, asyncore::socket(std::move(fd))) {}

  void handle_data(std::span<const std::byte> data) {
    buffer += asyncore::as_text(data);
#if ASYNCORE_HAS_EXCEPTIONS
    if (throws) throw std::runtime_error("on purpose");
#endif
  }
  void handle_error() { throws = false; }
  bool writable() const { return !buffer.empty(); }
  void handle_write() { buffer.erase(0, this->send(buffer).bytes()); }

  std::string buffer;
  bool throws = false;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(no_lost_interest, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(short_writes_of_an_out_queue, Place, test::matrix) {
  const std::string sent = pattern(plenty);
  for (const auto make_pair : {test::socket_pair, test::tcp_pair}) {
    test::reader_loop<Place> loop;
    heard what;
    ends pair = make_pair();
    test::limit_buffers(pair);
    test::data_reader<Place, asks::never> channel(loop, what, std::move(pair.near));
    BOOST_CHECK_EQUAL(channel.send(sent).bytes(), plenty);
    BOOST_CHECK_GT(channel.queued(), 0u);
    BOOST_CHECK(arrives(loop, pair.far, sent));
    BOOST_CHECK_EQUAL(channel.queued(), 0u);
    channel.send("and again");  // by itself, after the interest has gone
    BOOST_CHECK(arrives(loop, pair.far, "and again"));
  }
}

// While reading is paused, and asked in each way.
BOOST_AUTO_TEST_CASE_TEMPLATE(short_writes_of_a_paused_reader, Place, test::matrix) {
  const auto check = [](auto& channel, const test::unique_fd& far) {
    channel.paused = true;
    channel.rearm();
    const std::string sent = pattern(plenty / 2);
    test::put(far, "unread");
    channel.send(sent);
    BOOST_CHECK(arrives(channel.loop(), far, sent));
  };
  test::reader_loop<Place> loop;
  heard what;
  ends pairs[2] = {test::socket_pair(), test::socket_pair()};
  test::data_reader<Place, asks::every_turn> asked(loop, what, std::move(pairs[0].near));
  test::data_reader<Place, asks::on_rearm> rearmed(loop, what, std::move(pairs[1].near));
  check(asked, pairs[0].far);
  check(rearmed, pairs[1].far);
  BOOST_CHECK_EQUAL(what.hooks, 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(short_writes_of_handle_write, Place, test::matrix) {
  const std::string sent = pattern(plenty / 2);
  const auto check = [&](auto& channel, const test::unique_fd& far) {
    for (int round = 0; round < 2; ++round) {
      channel.buffer = sent;
      channel.rearm();
      BOOST_CHECK(arrives(channel.loop(), far, sent));
      BOOST_CHECK(channel.buffer.empty());
    }
  };
  writer_loop<Place> loop;
  ends pairs[2] = {test::socket_pair(), test::socket_pair()};
  writer<Place, asks::every_turn> asked(loop, std::move(pairs[0].near));
  writer<Place, asks::on_rearm> rearmed(loop, std::move(pairs[1].near));
  check(asked, pairs[0].far);
  check(rearmed, pairs[1].far);
}

// A hook changes what its own channel wants, and may throw afterwards.
BOOST_AUTO_TEST_CASE_TEMPLATE(changed_in_a_hook, Place, test::matrix) {
  for (const bool throws : {false, true}) {
    if (throws && !ASYNCORE_HAS_EXCEPTIONS) continue;
    writer_loop<Place> loop;
    ends pairs[2] = {test::socket_pair(), test::socket_pair()};
    writer<Place, asks::every_turn> asked(loop, std::move(pairs[0].near));
    writer<Place, asks::on_rearm> rearmed(loop, std::move(pairs[1].near));
    asked.throws = rearmed.throws = throws;
    BOOST_CHECK(test::echoes(loop, pairs[0].far));
    BOOST_CHECK(test::echoes(loop, pairs[1].far));
  }
}

// From a hook of its own, and from a hook of another channel, in every order of the two.
BOOST_AUTO_TEST_CASE_TEMPLATE(short_writes_in_hooks, Place, test::matrix) {
  using reader = test::data_reader<Place, asks::every_turn>;
  const std::string sent = pattern(plenty / 2);
  test::reader_loop<Place> loop;
  heard what[2];
  ends pairs[2] = {test::socket_pair(), test::socket_pair()};
  reader one(loop, what[0], std::move(pairs[0].near));
  reader other(loop, what[1], std::move(pairs[1].near));
  what[0].on_data = what[1].on_data = [&] { one.send(sent), other.send(sent); };
  for (ends& pair : pairs) {
    test::put(pair.far, "x");
    test::turn(loop);
    BOOST_CHECK_GT(one.queued(), 0u);
    BOOST_CHECK_GT(other.queued(), 0u);
    BOOST_CHECK(arrives(loop, pairs[0].far, sent));
    BOOST_CHECK(arrives(loop, pairs[1].far, sent));
  }
}

// Readiness that has passed: something else has read the bytes.
BOOST_AUTO_TEST_CASE_TEMPLATE(eagain_after_readiness, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard what[2];
  ends pairs[2] = {test::socket_pair(), test::socket_pair()};
  test::data_reader<Place, asks::never> data(loop, what[0], std::move(pairs[0].near));
  test::piece_reader<Place> pieces(loop, what[1], std::move(pairs[1].near));
  const auto steal = [&](int fd) {
    std::byte bytes[16];
    return test::sys().read(fd, bytes);
  };
  // Whoever is first steals the bytes of the other.
  what[0].on_data = [&] { steal(pieces.native_handle()); };
  what[1].on_data = [&] { steal(data.native_handle()); };
  for (int round = 0; round < 3; ++round) {
    for (ends& pair : pairs) test::put(pair.far, "abc");
    const int before = what[0].hooks + what[1].hooks;
    test::turn(loop, 3);
    BOOST_CHECK_EQUAL(what[0].hooks + what[1].hooks - before, 1);
  }
  what[0].on_data = what[1].on_data = nullptr;
  for (std::size_t i : {0u, 1u}) {
    what[i].bytes.clear();
    test::put(pairs[i].far, "later");
    BOOST_CHECK(test::turn_until(loop, [&] { return what[i].bytes == "later"; }));
  }
  BOOST_CHECK_EQUAL(what[0].closes + what[1].closes, 0);
}

// Paused and resumed by another channel's hook, again and again.
BOOST_AUTO_TEST_CASE_TEMPLATE(resumed_by_another, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard what, ignored;
  ends pairs[2] = {test::socket_pair(), test::socket_pair()};
  test::data_reader<Place, asks::on_rearm> rearmed(loop, what, std::move(pairs[0].near));
  test::data_reader<Place, asks::never> waker(loop, ignored, std::move(pairs[1].near));
  ignored.on_data = [&] {
    rearmed.paused = !rearmed.paused;
    rearmed.rearm();
  };
  for (int round = 0; round < 20; ++round) {
    test::put(pairs[1].far, "x");  // pauses
    test::turn(loop, 2);
    test::put(pairs[0].far, "y");
    test::turn(loop, 2);
    BOOST_CHECK_EQUAL(what.bytes.size(), static_cast<std::size_t>(round));
    test::put(pairs[1].far, "x");  // resumes
    BOOST_CHECK(test::turn_until(
        loop, [&] { return what.bytes.size() == static_cast<std::size_t>(round) + 1; }));
  }
}

// Registered anew by its own hook: what is sent later leaves all the same.
BOOST_AUTO_TEST_CASE_TEMPLATE(registered_anew_in_a_hook, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard what;
  ends pair = test::socket_pair();
  test::data_reader<Place, asks::never> channel(loop, what, std::move(pair.near));
  what.on_data = [&] {
    channel.send("in the hook, ");
    channel.del_channel();
    channel.add_channel();
  };
  test::put(pair.far, "x");
  test::turn(loop, 2);
  channel.send("later");
  BOOST_CHECK(arrives(loop, pair.far, "in the hook, later"));
  BOOST_CHECK_EQUAL(what.bytes, "x");
}

// What is sent at the end of a turn finds that the peer has left, and the hook that hears of it
// changes what others want, before this very wait.
BOOST_AUTO_TEST_CASE_TEMPLATE(changed_on_the_way_to_the_wait, Place, test::matrix) {
  using reader = test::data_reader<Place, asks::every_turn>;
  for (const bool failing_first : {false, true}) {
    test::reader_loop<Place> loop;
    heard failing, waiting, added, trigger;
    ends pairs[4] = {test::socket_pair(), test::socket_pair(), test::socket_pair(),
                     test::socket_pair()};
    const auto make = [&](heard& what, std::size_t i) {
      return std::make_unique<reader>(loop, what, std::move(pairs[i].near));
    };
    std::unique_ptr<reader> first = failing_first ? make(failing, 0) : make(waiting, 1);
    std::unique_ptr<reader> second = failing_first ? make(waiting, 1) : make(failing, 0);
    reader& dead = failing_first ? *first : *second;
    reader& paused = failing_first ? *second : *first;
    test::data_reader<Place, asks::never> starter(loop, trigger, std::move(pairs[3].near));
    paused.paused = dead.paused = true;  // it does not read, so only its send finds out
    test::put(pairs[1].far, "for the one that waits");
    test::put(pairs[2].far, "for the new one");
    pairs[0].far.reset();
    trigger.on_data = [&] { dead.send("x"); };
    failing.on_close = [&] {
      paused.paused = false;
      loop.template emplace<reader>(added, std::move(pairs[2].near));
    };
    test::put(pairs[3].far, "x");
    loop.poll(0ns);  // sends, at the end of the turn or before the next wait
    loop.poll(5s);   // which has to end at once
    BOOST_CHECK_EQUAL(failing.closes, 1);
    BOOST_CHECK_EQUAL(waiting.bytes, "for the one that waits");
    BOOST_CHECK_EQUAL(added.bytes, "for the new one");
  }
}

#if ASYNCORE_HAS_EXCEPTIONS
// An exception that ends a turn before its wait does not forget what the other channels want.
BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_on_the_way_to_the_wait, Place, test::matrix) {
  using reader = test::data_reader<Place, asks::on_rearm>;
  test::reader_loop<Place> loop;
  heard what[4];
  ends pairs[4] = {test::socket_pair(), test::socket_pair(), test::socket_pair(),
                   test::socket_pair()};
  std::unique_ptr<reader> channels[4];
  for (std::size_t i = 0; i < 4; ++i) {
    channels[i] = std::make_unique<reader>(loop, what[i], std::move(pairs[i].near));
    channels[i]->paused = true;
  }
  test::turn(loop);
  for (const std::size_t i : {0u, 2u, 3u}) test::put(pairs[i].far, "x");
  // The second one's flush fails, and its handle_close leaves the loop.
  what[1].on_close = [] { throw asyncore::exit_now(); };
  what[1].stays_open = true;
  pairs[1].far.reset();
  const auto resume = [&](std::size_t i) {
    channels[i]->paused = false;
    channels[i]->rearm();
  };
  what[0].on_data = [&] {
    resume(2);
    channels[1]->send("x");
    resume(3);
  };
  resume(0);
  bool left = false;
  try {
    test::turn(loop, 3);
  } catch (const asyncore::exit_now&) {
    left = true;
  }
  BOOST_CHECK(left);
  test::turn(loop, 3);
  for (const std::size_t i : {0u, 2u, 3u}) BOOST_CHECK_EQUAL(what[i].bytes, "x");
}

// A hook that throws has still changed what its channel wants.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_hook_that_throws, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard what;
  what.stays_open = true;
  ends pair = test::socket_pair();
  test::data_reader<Place, asks::on_rearm> channel(loop, what, std::move(pair.near));
  const std::string sent = pattern(plenty / 4);
  what.on_data = [&] {
    channel.paused = true;
    channel.send(sent);
    throw std::runtime_error("on purpose");
  };
  test::put(pair.far, "x");
  test::turn(loop);
  BOOST_CHECK_EQUAL(what.errors, 1);
  BOOST_CHECK(arrives(loop, pair.far, sent));
  test::put(pair.far, "y");
  test::turn(loop, 5);
  BOOST_CHECK_EQUAL(what.bytes, "x");  // paused
  what.on_data = nullptr;
  channel.paused = false;
  channel.rearm();
  BOOST_CHECK(test::turn_until(loop, [&] { return what.bytes == "xy"; }));
}
#endif

BOOST_AUTO_TEST_SUITE_END()

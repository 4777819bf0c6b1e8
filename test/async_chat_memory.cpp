// SPDX-License-Identifier: BSL-1.0
// How much memory a peer can make an async_chat use, whatever it sends and does not read. Replaces
// operator new, so it is a program of its own. The debug check does allocate.
#undef ASYNCORE_DEBUG
#define ASYNCORE_DEBUG 0
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

#include "chat/room.hpp"

namespace {

// The bytes that are allocated now, the most there were since `reset`, and how often.
struct memory {
  static inline std::size_t live = 0;
  static inline std::size_t most = 0;
  static inline std::size_t allocations = 0;

  static void reset() {
    most = live;
    allocations = 0;
  }
};

constexpr std::size_t header = alignof(std::max_align_t);

void* allocate(std::size_t size) {
  void* const all = std::malloc(header + size);
  if (all == nullptr) std::abort();
  ::new (all) std::size_t(size);
  memory::live += size;
  if (memory::live > memory::most) memory::most = memory::live;
  ++memory::allocations;
  return static_cast<char*>(all) + header;
}

void release(void* bytes) noexcept {
  if (bytes == nullptr) return;
  void* const all = static_cast<char*>(bytes) - header;
  memory::live -= *static_cast<std::size_t*>(all);
  std::free(all);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* bytes) noexcept { release(bytes); }
void operator delete[](void* bytes) noexcept { release(bytes); }
void operator delete(void* bytes, std::size_t) noexcept { release(bytes); }
void operator delete[](void* bytes, std::size_t) noexcept { release(bytes); }

namespace {

using test::ends;
using test::expect;
using test::matrix;

constexpr std::size_t mega = std::size_t{1} << 20;

template <class Place>
struct counter;
template <class Place>
using loop_of = typename Place::template loop<counter<Place>>;

// Keeps nothing of what it is given, unless a test says so.
template <class Place>
struct counter : asyncore::async_chat<counter<Place>, loop_of<Place>> {
  using base = asyncore::async_chat<counter<Place>, loop_of<Place>>;

  counter(loop_of<Place>& loop, test::unique_fd fd) : base(loop, asyncore::socket(std::move(fd))) {
    this->set_terminator("\r\n");
  }
  void collect_incoming_data(std::span<const std::byte> data) {
    collected += data.size();
    if (keeps) kept += asyncore::as_text(data);
#if ASYNCORE_HAS_EXCEPTIONS
    if (throws_in_collect) throw std::exception();
#endif
  }
  void found_terminator() {
    ++found;
    kept.clear();
#if ASYNCORE_HAS_EXCEPTIONS
    if (exits) throw asyncore::exit_now();
    if (throws_in_found) throw std::exception();
#endif
  }
  void handle_error() {}
  void handle_close() {
    ++closes;
    this->close();
  }
  void log(std::string_view) {}

  bool keeps = false, throws_in_collect = false, throws_in_found = false, exits = false;
  std::size_t collected = 0, found = 0;
  int closes = 0;
  std::string kept;
};

// The channel, and a peer that sends the same again and again.
template <class Place>
struct setting {
  setting() {
    // What is made at the first use is there before a test counts.
    test::put(pair.far, "warm\r\nup");
    test::turn(loop, 2);
    one.push("warm up");
    test::turn(loop, 2);
    test::take(pair.far);
    one.discard_buffers();
    one.set_terminator("\n");
    one.set_terminator("\r\n");
    test::turn(loop);
    memory::reset();
    before = memory::live;
  }

  // Sends `bytes` until `total` have been sent or the channel has closed.
  [[gnu::noinline]] void flood(const std::string& bytes, std::size_t total) {
    for (std::size_t sent = 0; sent < total && one.native_handle() >= 0;) {
      const ssize_t n = ::write(pair.far.get(), bytes.data(), bytes.size());
      if (n > 0) sent += static_cast<std::size_t>(n);
      turn();
    }
  }
  void turn() {
#if ASYNCORE_HAS_EXCEPTIONS
    try {
      test::turn(loop);
    } catch (const asyncore::exit_now&) {
    }
#else
    test::turn(loop);
#endif
  }

  // The most memory that was used since the beginning.
  std::size_t used() const { return memory::most - before; }

  ends pair = test::socket_pair();
  loop_of<Place> loop;
  counter<Place> one{loop, std::move(pair.near)};
  std::size_t before = 0;
};

BOOST_AUTO_TEST_SUITE(async_chat_memory)

BOOST_AUTO_TEST_CASE_TEMPLATE(is_bounded_when_the_terminator_never_comes, Place, matrix) {
  setting<Place> s;
  s.one.keeps = true;
  s.flood(std::string(50'000, 'x'), 64 * mega);
  expect(s.one.closes == 1);
  expect(s.one.collected <= mega + 65'536);
  expect(s.used() <= 4 * mega);  // a string that grows by doubling
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_bounded_when_terminators_only_begin, Place, matrix) {
  setting<Place> s;
  s.one.set_terminator("\r\n\r\n\r\n\r");
  memory::reset();
  s.flood("\r\n\r\n\r\n", mega / 2);
  expect(s.one.closes == 0);
  expect(s.used() <= 4'096);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_none_for_lines_however_they_are_cut, Place, matrix) {
  setting<Place> s;
  std::string lines;
  while (lines.size() < 40'000) lines += "a line that is a little longer\r\n";
  memory::reset();
  s.flood(lines, mega);
  s.flood("x\r", 2'000);
  s.flood("\n", 200);
  expect(s.one.found > 30'000);
  expect(memory::allocations == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_none_for_numbers_and_without_terminator, Place, matrix) {
  for (const int number : {0, 1'000'000'000}) {
    setting<Place> s;
    s.one.set_terminator(number);
    memory::reset();
    s.flood(std::string(50'000, 'x'), 4 * mega);
    expect(s.one.closes == 0);
    expect(memory::allocations <= 1);  // the string that is sent
  }
}

#if ASYNCORE_HAS_EXCEPTIONS

// The errors keep the channel open: what is behind them waits, and nothing more is read.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_bounded_when_every_line_throws, Place, matrix) {
  for (const int where : {0, 1, 2}) {
    setting<Place> s;
    (where == 0 ? s.one.throws_in_collect : where == 1 ? s.one.throws_in_found : s.one.exits) = true;
    std::string lines;
    while (lines.size() < 1'000) lines += "line\r\n";
    s.flood(lines, mega / 4);
    expect(s.one.closes == 0);
    expect(s.one.found > 1'000 || where == 2);
    expect(s.used() <= mega / 4);
  }
}

#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(is_bounded_when_the_peer_stops_reading, Place, matrix) {
  setting<Place> s;
  const std::string piece(100'000, 'x');
  std::size_t pushed = 0;
  while (pushed < 64 * mega && s.one.push(piece).ok()) pushed += piece.size();
  expect(s.one.closes == 1);
  expect(pushed > 16 * mega && pushed < 18 * mega);
  expect(s.used() <= 18 * mega);
  // The loop keeps some for the next.
  constexpr std::size_t kept = asyncore::block_pool::most_spare * asyncore::out_block::allocation;
  expect(memory::live - s.before <= kept + mega);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_bounded_behind_a_producer, Place, matrix) {
  setting<Place> s;
  struct endless {
    std::string more() { return std::string(100'000, 'p'); }
  };
  s.one.push_with_producer(endless());
  const std::string piece(100'000, 'x');
  std::size_t pushed = 0;
  while (pushed < 64 * mega && s.one.push(piece).ok()) pushed += piece.size();
  expect(s.one.closes == 1);
  expect(s.used() <= 18 * mega);
}

// It is asked when the connection takes more, and not before.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_bounded_for_an_endless_producer, Place, matrix) {
  setting<Place> s;
  struct endless {
    std::string more() { return std::string(100'000, 'p'); }
  };
  s.one.push_with_producer(endless());
  std::size_t got = 0;
  for (int i = 0; i < 300; ++i) {
    if (i > 100) got += test::take(s.pair.far).size();
    s.turn();
  }
  expect(got > 10 * mega);
  expect(s.used() <= mega + mega / 2);  // and what the test takes
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_bounded_for_many_producers, Place, matrix) {
  setting<Place> s;
  s.one.push(std::string(mega, 'x'));  // the socket takes no more
  for (int i = 0; i < 100'000 && s.one.native_handle() >= 0; ++i)
    s.one.push_with_producer(asyncore::simple_producer("line"));
  expect(s.one.closes == 1);
  expect(s.used() <= 3 * mega);  // most of it what was pushed first, twice
}

// Once as much has been used as it takes at a time, nothing more is allocated.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_none_for_answers_that_are_read, Place, matrix) {
  setting<Place> s;
  const std::string answer(10'000, 'x');
  char buffer[65'536];
  for (int i = 0; i < 200; ++i) {
    if (i == 100) memory::reset();
    s.one.push(answer);
    while (::read(s.pair.far.get(), buffer, sizeof buffer) > 0) continue;
    s.turn();
  }
  expect(memory::allocations == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

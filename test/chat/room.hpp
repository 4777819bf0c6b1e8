// SPDX-License-Identifier: BSL-1.0
/// A chat channel that writes down what happens to it, and another one that must not notice.
#pragma once

#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

namespace test {

/// As BOOST_CHECK, but a plain call: much faster to compile, many times over in a matrix.
inline void expect(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  BOOST_CHECK_MESSAGE(holds, file << ":" << line);
}

/// What a channel has lived through; outlives it.
struct chat_story {
  std::string text;  // what was collected, and "|" for each terminator
  int closes = 0;
  int errors = 0;
  int incoming_limits = 0;
  int out_queue_limits = 0;
  bool alive = false;
  std::vector<std::string> log;
};

template <class Place>
struct chatter;
template <class Place>
using chat_loop = typename Place::template loop<chatter<Place>>;

/// Does in its hooks what a test says, and what `async_chat` does where it says nothing.
template <class Place>
struct chatter : asyncore::async_chat<chatter<Place>, chat_loop<Place>> {
  using base = asyncore::async_chat<chatter<Place>, chat_loop<Place>>;
  using action = std::function<void(chatter&)>;

  chatter(chat_loop<Place>& loop, unique_fd fd, chat_story& told)
      : base(loop, asyncore::socket(std::move(fd))), story(told) {
    story.alive = true;
    this->set_terminator('\n');
  }
  ~chatter() { story.alive = false; }

  void collect_incoming_data(std::span<const std::byte> data) {
    expect(!data.empty());
    story.text += asyncore::as_text(data);
    act(on_collect);
  }
  void found_terminator() {
    story.text += '|';
    act(on_found);
  }
  void handle_close() {
    ++story.closes;
    if (!act(on_close)) base::handle_close();
  }
  void handle_error() {
    ++story.errors;
    if (!act(on_error)) base::handle_error();
  }
  void handle_incoming_limit() {
    ++story.incoming_limits;
    if (!act(on_incoming_limit)) base::handle_incoming_limit();
  }
  void handle_out_queue_limit() {
    ++story.out_queue_limits;
    if (!act(on_out_queue_limit)) base::handle_out_queue_limit();
  }
  void log(std::string_view message) { story.log.emplace_back(message); }

  // The limits and sizes of this one.
  std::size_t incoming_limit = base::incoming_limit;
  std::size_t out_queue_limit = base::out_queue_limit;
  std::size_t producer_limit = base::producer_limit;
  std::size_t ac_in_buffer_size = base::ac_in_buffer_size;
  std::size_t ac_out_buffer_size = base::ac_out_buffer_size;

  chat_story& story;
  action on_collect, on_found, on_close, on_error, on_incoming_limit, on_out_queue_limit;

 private:
  // A copy is called, which outlives the channel.
  bool act(action what) {
    if (what == nullptr) return false;
    what(*this);
    return true;
  }
};

/// Fills the buffers that a channel sends into; returns how many bytes that took.
template <class Channel>
std::size_t fill_of(const Channel& channel) {
  return fill(copy_of(channel.native_handle()));
}

/// The channel under test, its peer's end, and the other channel of the loop.
template <class Place>
struct chat_room {
  explicit chat_room(ends connection = socket_pair()) : pair(std::move(connection)) {
    one = std::make_unique<chatter<Place>>(loop, std::move(pair.near), story);
  }

  void send(std::string_view bytes) { put(pair.far, bytes); }

  std::size_t fill() { return fill_of(*one); }

  /// Turns that do not wait. This and the like are not inlined, so that the loop is compiled once.
  [[gnu::noinline]] void turn(int times = 1) { test::turn(loop, times); }

  /// Turns until `done()`, for a bounded time; returns `done()`.
  [[gnu::noinline]] bool until(const std::function<bool()>& done) {
    return turn_until(loop, std::ref(done));
  }

  /// Turns until the story is `expected`, and nothing follows.
  void tells(std::string_view expected, const char* file = __builtin_FILE(),
             int line = __builtin_LINE()) {
    until([&] { return story.text == expected; });
    turn();
    BOOST_CHECK_MESSAGE(story.text == expected, file << ":" << line << ": \"" << story.text
                                                     << "\" and not \"" << expected << '"');
  }

  /// What arrives at the peer, which reads until it has `size` bytes, and then what else there is.
  std::string received(std::size_t size) {
    std::string all;
    until([&] { return (all += take(pair.far)).size() >= size; });
    turn();
    return all += take(pair.far);
  }

  /// True when the peer finds the end of the stream.
  bool ended() { return (one == nullptr || one->native_handle() < 0) && at_end(pair.far); }

  /// True when the other channel still works, in both directions.
  [[gnu::noinline]] bool undisturbed() {
    put(other_pair.far, "ping\n");
    const std::string expected = other_story.text + "ping|";
    if (!until([&] { return other_story.text == expected; })) return false;
    other.push("pong");
    std::string answer;
    return until([&] { return (answer += take(other_pair.far)) == "pong"; }) &&
           other_story.closes == 0 && other_story.errors == 0;
  }

  chat_loop<Place> loop;
  ends pair;
  chat_story story;
  std::unique_ptr<chatter<Place>> one;
  ends other_pair = socket_pair();
  chat_story other_story;
  chatter<Place> other{loop, std::move(other_pair.near), other_story};
};

}  // namespace test

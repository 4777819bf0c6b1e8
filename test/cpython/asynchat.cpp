// SPDX-License-Identifier: BSL-1.0
// What CPython's own Lib/test/test_asynchat.py (3.11) checks, test by test and under its names.
#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

namespace {

using strings = std::vector<std::string>;

constexpr std::string_view quit = "QUIT\n";

// Collects until it has been told to quit, then sends all of it back, `chunk` bytes at a time.
class echo_server {
 public:
  explicit echo_server(std::size_t chunk = 1) : chunk_(chunk) {}

  asyncore::endpoint address() const { return test::name_of(listener_.get()); }

  /// Does what can be done now; the whole is done by as many calls as there are bytes.
  void step() {
    if (!peer_) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) peer_ = test::unique_fd(fd);
    } else if (!quitting_) {
      received += test::take(peer_);
      const auto at = received.find(quit);
      if (at == std::string::npos) return;
      quitting_ = true;
      received.erase(at, quit.size());
      left_ = received;
    } else if (!left_.empty() && may_answer) {
      const std::string piece = left_.substr(0, chunk_);
      left_.erase(0, chunk_);
      if (::send(peer_.get(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) left_.clear();
    } else if (may_answer) {
      peer_.reset();
      done = true;
    }
  }

  std::string received;
  bool may_answer = true;
  bool done = false;

 private:
  test::unique_fd listener_ = test::tcp_listener();
  test::unique_fd peer_;
  std::size_t chunk_;
  bool quitting_ = false;
  std::string left_;
};

template <class Place>
struct echo_client;
template <class Place>
using loop_of = typename Place::template loop<echo_client<Place>>;

template <class Place>
struct echo_client : asyncore::async_chat<echo_client<Place>, loop_of<Place>> {
  template <class Terminator>
  echo_client(loop_of<Place>& loop, Terminator terminator, const asyncore::endpoint& to)
      : echo_client::async_chat(loop) {
    this->create_socket();
    this->connect(to);
    this->set_terminator(terminator);
  }
  void collect_incoming_data(std::span<const std::byte> data) { buffer += asyncore::as_text(data); }
  void found_terminator() { contents.push_back(std::exchange(buffer, {})); }
  void handle_error() { ++errors; }

  strings contents;
  std::string buffer;
  int errors = 0;
};

// One echo through the loop.
template <class Place>
struct session {
  template <class Terminator>
  explicit session(Terminator terminator, std::size_t chunk = 1)
      : server(chunk), client(loop, terminator, server.address()) {}

  /// Until the server is done and the client has closed.
  void run() {
    BOOST_TEST(until([&] { return server.done && loop.empty(); }));
    BOOST_TEST(client.errors == 0);
  }

  /// Both take turns, a bounded number of times, until `ended()`.
  template <class Ended>
  bool until(Ended ended) {
    for (int left = 1'000'000; left > 0 && !ended(); --left) {
      server.step();
      test::turn(loop);
    }
    return ended();
  }

  loop_of<Place> loop;
  echo_server server;
  echo_client<Place> client;
};

template <class Place>
void line_terminator_check(const std::string& terminator) {
  for (const std::size_t chunk : {1u, 2u, 3u}) {
    session<Place> s(terminator, chunk);
    s.client.push("hello ");
    s.client.push("world" + terminator);
    s.client.push("I'm not dead yet!" + terminator);
    s.client.push(quit);
    s.run();
    BOOST_TEST(s.client.contents == strings({"hello world", "I'm not dead yet!"}));
  }
}

template <class Place>
void numeric_terminator_check(int length) {
  session<Place> s(length);
  const std::string data = "hello world, I'm not dead yet!\n";
  s.client.push(data);
  s.client.push(quit);
  s.run();
  BOOST_TEST(s.client.contents == strings({data.substr(0, static_cast<std::size_t>(length))}));
}

const std::string two_lines = "hello world\nI'm not dead yet!\n";
const strings two_contents = {"hello world", "I'm not dead yet!"};

// TestAsynchat and TestAsynchat_WithPoll: the matrix stands for both.
BOOST_AUTO_TEST_SUITE(TestAsynchat)

BOOST_AUTO_TEST_CASE_TEMPLATE(test_line_terminator1, Place, test::matrix) {
  line_terminator_check<Place>("\n");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_line_terminator2, Place, test::matrix) {
  line_terminator_check<Place>("\r\n");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_line_terminator3, Place, test::matrix) {
  line_terminator_check<Place>("qqq");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_numeric_terminator1, Place, test::matrix) {
  numeric_terminator_check<Place>(1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_numeric_terminator2, Place, test::matrix) {
  numeric_terminator_check<Place>(6);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_none_terminator, Place, test::matrix) {
  session<Place> s(nullptr);
  s.client.push(two_lines);
  s.client.push(quit);
  s.run();
  BOOST_TEST(s.client.contents == strings());
  BOOST_TEST(s.client.buffer == two_lines);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_simple_producer, Place, test::matrix) {
  session<Place> s('\n');
  s.client.push_with_producer(asyncore::simple_producer(two_lines + std::string(quit), 8));
  s.run();
  BOOST_TEST(s.client.contents == two_contents);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_string_producer, Place, test::matrix) {
  session<Place> s('\n');
  s.client.push_with_producer(two_lines + std::string(quit));
  s.run();
  BOOST_TEST(s.client.contents == two_contents);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_empty_line, Place, test::matrix) {
  session<Place> s('\n');
  s.client.push("hello world\n\nI'm not dead yet!\n");
  s.client.push(quit);
  s.run();
  BOOST_TEST(s.client.contents == strings({"hello world", "", "I'm not dead yet!"}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_close_when_done, Place, test::matrix) {
  session<Place> s('\n');
  s.server.may_answer = false;  // until the client has closed
  s.client.push(two_lines);
  s.client.push(quit);
  s.client.close_when_done();
  BOOST_TEST(s.until([&] { return s.loop.empty(); }));
  s.server.may_answer = true;
  s.run();
  BOOST_TEST(s.client.contents == strings());
  BOOST_TEST(!s.server.received.empty());
}

template <class Chat, class T>
concept can_push = requires(Chat& c, T t) { c.push(t); };

// What is no bytes does not compile. A string is bytes in C++.
BOOST_AUTO_TEST_CASE_TEMPLATE(test_push, Place, test::matrix) {
  session<Place> s('\n');
  const std::string data = "bytes\n";
  s.client.push(data);
  s.client.push(std::vector<char>(data.begin(), data.end()));
  s.client.push(std::as_bytes(std::span(data)));
  static_assert(!can_push<echo_client<Place>, int>);
  static_assert(!can_push<echo_client<Place>, std::wstring>);
  static_assert(!can_push<echo_client<Place>, std::u16string>);
  s.client.push(quit);
  s.run();
  BOOST_TEST(s.client.contents == strings({"bytes", "bytes", "bytes"}));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(TestAsynchatMocked)

// A read that finds nothing (EAGAIN) is no error.
BOOST_AUTO_TEST_CASE_TEMPLATE(test_blockingioerror, Place, test::matrix) {
  loop_of<Place> loop;
  const test::unique_fd listener = test::tcp_listener();
  echo_client<Place> client(loop, '\n', test::name_of(listener.get()));
  BOOST_TEST(test::turn_until(loop, [&] { return client.connected(); }));
  test::turn(loop, 2);
  loop.readwrite(client, asyncore::readiness::read);
  BOOST_TEST(client.errors == 0);
  BOOST_TEST(client.connected());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(TestHelperFunctions)

BOOST_AUTO_TEST_CASE(test_find_prefix_at_end) {
  BOOST_TEST(asyncore::find_prefix_at_end("qwerty\r", "\r\n") == 1u);
  BOOST_TEST(asyncore::find_prefix_at_end("qwertydkjf", "\r\n") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(TestNotConnected)

#if ASYNCORE_HAS_EXCEPTIONS

struct plain_chat : asyncore::async_chat<plain_chat> {
  void collect_incoming_data(std::span<const std::byte>) {}
  void found_terminator() {}
};

BOOST_AUTO_TEST_CASE(test_disallow_negative_terminator) {
  plain_chat client;
  BOOST_CHECK_EXCEPTION(client.set_terminator(-1), std::system_error, [](const auto& e) {
    return e.code() == std::errc::invalid_argument;
  });
}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// Everything, in a program that is compiled without exceptions and without RTTI: set-up calls
// report by their std::error_code, and hooks find out by last_error().
#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <utility>

#include "support/descriptors.hpp"
#include "support/matrix.hpp"
#include "support/turns.hpp"

static_assert(ASYNCORE_HAS_EXCEPTIONS == 0, "compile this file with -fno-exceptions");
#if defined(__GXX_RTTI) || defined(__cpp_rtti)
#error "compile this file with -fno-rtti"
#endif

namespace {

using asyncore::endpoint;
using bytes = std::span<const std::byte>;
using test::turn_until;

template <class Place>
struct server;
template <class Place>
struct handler;
template <class Place>
struct client;
template <class Place>
struct talker;
template <class Place>
struct file;
template <class Place>
struct watcher;
template <class Place>
struct datagrams;
template <class Place>
using loop_of =
    typename Place::template loop<server<Place>, handler<Place>, client<Place>, talker<Place>,
                                  file<Place>, watcher<Place>, datagrams<Place>>;

template <class Place>
struct server : asyncore::dispatcher<server<Place>, loop_of<Place>> {
  using server::dispatcher::dispatcher;
  void handle_accepted(asyncore::socket peer, endpoint) {
    this->loop().template emplace<handler<Place>>(std::move(peer));
  }
};

template <class Place>
struct handler : asyncore::dispatcher_with_send<handler<Place>, loop_of<Place>> {
  using handler::dispatcher_with_send::dispatcher_with_send;
  void handle_data(bytes data) { this->send(data); }
};

template <class Place>
struct client : asyncore::dispatcher_with_send<client<Place>, loop_of<Place>> {
  using client::dispatcher_with_send::dispatcher_with_send;
  void handle_connect() { this->send("hello"); }
  void handle_accepted(asyncore::socket, asyncore::endpoint) {}
  void handle_read() {
    std::byte into[16];
    const asyncore::io_result got = this->recv(into);
    answer += asyncore::as_text(std::span(into).first(got.bytes()));
  }
  void handle_close() {
    closed = true;
    this->close();
  }
  void handle_error() {
    error = this->loop().last_error();
    this->close();
  }
  std::string answer;
  std::error_code error;
  bool closed = false;
};

template <class Place>
struct talker : asyncore::async_chat<talker<Place>, loop_of<Place>> {
  using talker::async_chat::async_chat;
  void collect_incoming_data(bytes data) { line += asyncore::as_text(data); }
  void found_terminator() {
    this->push(line + "!");
    this->push_with_producer(asyncore::simple_producer("bye"));
    this->close_when_done();
  }
  std::string line;
};

template <class Place>
struct file : asyncore::file_dispatcher<file<Place>, loop_of<Place>> {
  using file::file_dispatcher::file_dispatcher;
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return text.empty(); }
  void handle_data(bytes data) { text += asyncore::as_text(data); }
  std::string text;
};

template <class Place>
struct watcher : asyncore::channel<watcher<Place>, loop_of<Place>> {
  using watcher::channel::channel;
  void handle_read() { ++reads; }
  int reads = 0;
};

template <class Place>
struct datagrams : asyncore::dispatcher<datagrams<Place>, loop_of<Place>> {
  using datagrams::dispatcher::dispatcher;
  void handle_read() {
    std::byte into[16];
    const asyncore::io_result got = this->recvfrom(into, from);
    text += asyncore::as_text(std::span(into).first(got.bytes()));
  }
  std::string text;
  endpoint from;
};

// A listening server on a free port, by the overloads that do not throw.
template <class Place>
server<Place>& listening(loop_of<Place>& loop) {
  std::error_code failed;
  auto& s = loop.template emplace<server<Place>>();
  s.create_socket(AF_INET, SOCK_STREAM, failed);
  BOOST_REQUIRE(!failed);
  s.set_reuse_addr();
  s.bind(endpoint::parse("127.0.0.1:0", failed), failed);
  BOOST_REQUIRE(!failed);
  s.listen(8, failed);
  BOOST_REQUIRE(!failed);
  return s;
}

BOOST_AUTO_TEST_SUITE(no_exceptions)

BOOST_AUTO_TEST_CASE_TEMPLATE(serve, Place, test::matrix) {
  loop_of<Place> loop;
  server<Place>& s = listening<Place>(loop);
  std::error_code failed;
  client<Place> c(loop);
  c.create_socket(AF_INET, SOCK_STREAM, failed);
  BOOST_REQUIRE(!failed);
  c.connect(s.local_addr(), failed);
  BOOST_REQUIRE(!failed);
  BOOST_TEST(turn_until(loop, [&] { return c.answer.size() >= 5; }));
  BOOST_TEST(c.answer == "hello");
  c.shutdown(SHUT_WR, failed);
  BOOST_TEST(!failed);
  BOOST_TEST(turn_until(loop, [&] { return c.closed; }));
  loop.close_all();
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(report_set_up_errors_by_code, Place, test::matrix) {
  loop_of<Place> loop;
  server<Place>& s = listening<Place>(loop);
  std::error_code failed;
  client<Place> c(loop);
  c.create_socket(-1, SOCK_STREAM, failed);
  BOOST_TEST(static_cast<bool>(failed));
  c.bind(s.local_addr(), failed = {});
  BOOST_TEST((failed == std::errc::bad_file_descriptor));
  c.listen(1, failed = {});
  BOOST_TEST((failed == std::errc::bad_file_descriptor));
  c.connect(s.local_addr(), failed = {});
  BOOST_TEST((failed == std::errc::bad_file_descriptor));
  c.create_socket(AF_INET, SOCK_STREAM, failed = {});
  BOOST_TEST(!failed);
  c.bind(s.local_addr(), failed = {});
  BOOST_TEST((failed == std::errc::address_in_use));
  c.add_channel(failed = {});
  BOOST_TEST((failed == std::errc::file_exists));
  endpoint::parse("nonsense", failed = {});
  BOOST_TEST((failed == std::errc::invalid_argument));
  file<Place> f(loop);
  f.set_file(-1, failed = {});
  BOOST_TEST((failed == std::errc::bad_file_descriptor));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reach_handle_error_with_last_error, Place, test::matrix) {
  loop_of<Place> loop;
  const endpoint nobody = [&] {
    const test::unique_fd bound = test::tcp_listener(-1);
    return test::name_of(bound.get());
  }();
  std::error_code failed;
  client<Place> c(loop);
  c.create_socket(AF_INET, SOCK_STREAM, failed);
  BOOST_REQUIRE(!failed);
  c.connect(nobody, failed);
  BOOST_REQUIRE((!failed || failed == std::errc::connection_refused));
  if (!failed) BOOST_TEST(turn_until(loop, [&] { return !c.connecting(); }));
  BOOST_TEST(((failed ? failed : c.error) == std::errc::connection_refused));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(chat, Place, test::matrix) {
  loop_of<Place> loop;
  test::ends pair = test::socket_pair();
  auto& channel =
      loop.template emplace<talker<Place>>(asyncore::socket(std::move(pair.near)));
  channel.set_terminator("\n");
  test::put(pair.far, "word\n");
  BOOST_TEST(turn_until(loop, [&] { return loop.empty(); }));
  BOOST_TEST(test::take(pair.far) == "word!bye");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(read_files, Place, test::matrix) {
  loop_of<Place> loop;
  const test::ends pipe = test::pipe_to_near();
  file<Place> reads(loop, pipe.near.get());
  test::put(pipe.far, "one");
  BOOST_TEST(turn_until(loop, [&] { return !reads.text.empty(); }));
  test::put(pipe.far, "two");
  loop.poll();
  BOOST_TEST(reads.text == "one");
  reads.text.clear();
  reads.rearm();
  BOOST_TEST(turn_until(loop, [&] { return !reads.text.empty(); }));
  BOOST_TEST(reads.text == "two");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(watch_descriptors_of_others, Place, test::matrix) {
  loop_of<Place> loop;
  const test::ends pipe = test::pipe_to_near();
  test::put(pipe.far, "x");
  watcher<Place> w(loop, pipe.near.get());
  loop.run({.timeout = std::chrono::seconds(1), .count = 3});
  BOOST_TEST(w.reads == 3);
  w.del_channel();
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(send_datagrams, Place, test::matrix) {
  loop_of<Place> loop;
  std::error_code failed;
  datagrams<Place> a(loop), b(loop);
  for (auto* channel : {&a, &b}) {
    channel->create_socket(AF_INET, SOCK_DGRAM, failed);
    BOOST_REQUIRE(!failed);
    channel->bind(endpoint::parse("127.0.0.1:0", failed), failed);
    BOOST_REQUIRE(!failed);
  }
  BOOST_TEST(a.sendto("datagram", b.local_addr()).bytes() == 8u);
  BOOST_TEST(turn_until(loop, [&] { return !b.text.empty(); }));
  BOOST_TEST(b.text == "datagram");
  BOOST_TEST(b.from.to_string() == a.local_addr().to_string());
}

BOOST_AUTO_TEST_CASE(pick_a_poller_by_name) {
  for (const std::string_view name : {"poll", "select", "best"}) {
    const bool empty = asyncore::with_poller(name, [](auto chosen) {
      asyncore::basic_loop<typename decltype(chosen)::type, asyncore::hash_map<>> loop;
      loop.run();
      return loop.empty();
    });
    BOOST_TEST(empty);
  }
}

BOOST_AUTO_TEST_CASE(use_the_default_loop) {
  asyncore::loop();
  asyncore::poll();
  asyncore::close_all();
  BOOST_TEST(asyncore::this_thread_loop().empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

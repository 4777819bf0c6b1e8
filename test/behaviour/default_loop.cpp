// SPDX-License-Identifier: BSL-1.0
// The pollers there are, choosing one by its name, and programs that name no loop.
#include <asyncore.hpp>

#include "../support/child.hpp"
#include "../support/descriptors.hpp"
#include "../support/outcome.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <vector>

namespace {

using test::contains;

/// A server and a client that name no loop.
struct echo : asyncore::dispatcher_with_send<echo> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data) { send(data); }
};
struct server : asyncore::dispatcher<server> {
  server() {
    create_socket();
    bind(asyncore::endpoint::parse("127.0.0.1:0"));
    listen();
  }
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    loop().emplace<echo>(std::move(peer));
    close();
  }
};
struct client : asyncore::dispatcher_with_send<client> {
  explicit client(const asyncore::endpoint& where) {
    create_socket();
    connect(where);
  }
  void handle_connect() { send("hello"); }
  void handle_data(std::span<const std::byte> data) {
    received += asyncore::as_text(data);
    if (received == "hello") close();
  }
  std::string received;
};
struct pipe_reader : asyncore::file_dispatcher<pipe_reader> {
  using file_dispatcher::file_dispatcher;
  void handle_data(std::span<const std::byte> data) { received += asyncore::as_text(data); }
  std::string received;
};

/// For a loop of any poller.
template <class Poller>
struct counter;
template <class Poller>
using loop_of = asyncore::basic_loop<Poller, asyncore::fd_table<counter<Poller>>>;
template <class Poller>
struct counter : asyncore::channel<counter<Poller>, loop_of<Poller>> {
  using asyncore::channel<counter<Poller>, loop_of<Poller>>::channel;
  void handle_read() { ++calls; }
  int calls = 0;
};

BOOST_AUTO_TEST_SUITE(default_loop)

BOOST_AUTO_TEST_CASE(a_poller_is_picked_by_its_name) {
  for (const std::string_view name : {"select", "poll", "epoll"}) {
    if (name == "epoll" && !ASYNCORE_HAS_EPOLL) continue;
    const std::string_view picked = asyncore::with_poller(
        name, [](auto p) -> std::string_view { return decltype(p)::type::name; });
    BOOST_TEST(picked == name);
  }
  const std::string_view best = asyncore::with_poller(
      "best", [](auto p) -> std::string_view { return decltype(p)::type::name; });
  BOOST_TEST(best == asyncore::default_poller::name);
  BOOST_TEST(best == (ASYNCORE_HAS_EPOLL ? "epoll" : "poll"));
}

BOOST_AUTO_TEST_CASE(inside_everything_is_static) {
  for (const std::string_view name : {"select", "poll", "best"}) {
    const test::ends pipe = test::pipe_to_near();
    test::put(pipe.far, "x");
    const int calls = asyncore::with_poller(name, [&](auto p) {
      using poller = typename decltype(p)::type;
      loop_of<poller> loop;
      counter<poller> channel(loop, pipe.near.get());
      loop.run({.timeout = {}, .count = 3});
      return channel.calls;
    });
    BOOST_TEST(calls == 3);
  }
}

BOOST_AUTO_TEST_CASE(with_poller_returns_anything) {
  bool called = false;
  asyncore::with_poller("poll", [&](auto) { called = true; });
  BOOST_TEST(called);
  const auto moved = asyncore::with_poller(
      "poll", [owned = std::make_unique<int>(7)](auto) mutable { return std::move(owned); });
  BOOST_TEST(*moved == 7);
}

BOOST_AUTO_TEST_CASE(an_unknown_name_lists_the_known_ones) {
  for (const std::string_view name : {"kqueue", "", "Poll", "epoll "}) {
    bool called = false;
    BOOST_CHECK_EXCEPTION(
        asyncore::with_poller(name, [&](auto) { called = true; }), std::invalid_argument,
        [&](const std::invalid_argument& e) {
          return contains(e.what(), "'" + std::string(name) + "'") &&
                 contains(e.what(), asyncore::poller_names());
        });
    BOOST_TEST(!called);
  }
  for (const char* name : {"select", "poll", "best"})
    BOOST_TEST(contains(asyncore::poller_names(), name));
  BOOST_TEST(contains(asyncore::poller_names(), "epoll") == (ASYNCORE_HAS_EPOLL != 0));
}

BOOST_AUTO_TEST_CASE(what_it_throws_passes) {
  BOOST_CHECK_THROW(asyncore::with_poller("poll", [](auto) { throw 42; }), int);
}

BOOST_AUTO_TEST_CASE(a_program_may_name_no_loop) {
  server listener;
  client caller(listener.local_addr());
  BOOST_TEST(asyncore::this_thread_loop().size() == 2u);
  BOOST_TEST((&listener.loop() == &asyncore::this_thread_loop()));
  asyncore::loop({.timeout = {}, .count = 1000});
  BOOST_TEST(caller.received == "hello");
  BOOST_TEST(asyncore::this_thread_loop().empty());
}

BOOST_AUTO_TEST_CASE(sockets_and_files_may_too) {
  test::ends pair = test::socket_pair(), pipe = test::pipe_to_near();
  echo channel(asyncore::socket(std::move(pair.near)));
  pipe_reader reader(pipe.near.get());
  test::put(pair.far, "socket");
  test::put(pipe.far, "file");
  asyncore::poll();
  BOOST_TEST(test::take(pair.far) == "socket");
  BOOST_TEST(reader.received == "file");
  asyncore::close_all();
  BOOST_TEST(asyncore::this_thread_loop().empty());
  BOOST_TEST(test::at_end(pair.far));
}

BOOST_AUTO_TEST_CASE(each_thread_has_its_own) {
  const test::ends pipe = test::pipe_to_near();
  const pipe_reader reader(pipe.near.get());
  const asyncore::default_loop* other = nullptr;
  std::size_t size = 1;
  std::thread([&] {
    other = &asyncore::this_thread_loop();
    size = other->size();
  }).join();
  BOOST_TEST((other != &asyncore::this_thread_loop()));
  BOOST_TEST(size == 0u);
  BOOST_TEST(asyncore::this_thread_loop().size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_default_loop_takes_any_channel) {
  using expected = asyncore::basic_loop<asyncore::default_poller, asyncore::fd_table<>>;
  BOOST_TEST((std::is_same_v<asyncore::default_loop, expected>));
  asyncore::default_loop loop;  // and there may be others beside the thread's
  const test::ends pair = test::socket_pair();
  echo channel(loop, asyncore::socket(::dup(pair.near.get())));
  BOOST_TEST((&channel.loop() == &loop));
  BOOST_TEST(loop.size() == 1u);
  BOOST_TEST(asyncore::this_thread_loop().empty());
}

// A program that is started without them does not print into the sockets of its peers.
BOOST_AUTO_TEST_CASE(closed_standard_descriptors_are_opened, *boost::unit_test::label("native")) {
  const auto end = test::in_child([] {
    for (const int fd : {0, 1, 2}) ::close(fd);
    asyncore::default_loop loop;
    int open = 0;
    for (const int fd : {0, 1, 2}) open += ::fcntl(fd, F_GETFD) == 0;  // for programs that it runs
    const int next = ::dup(0);
    return open == 3 && next > 2 ? 7 : 0;
  });
  BOOST_TEST(end.status == 7);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

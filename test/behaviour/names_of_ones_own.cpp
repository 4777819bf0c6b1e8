// SPDX-License-Identifier: BSL-1.0
// Law 12: a class may have members with any name that is no documented hook, predicate or constant.
// Channels of every kind whose classes have the names of the library's own members, as functions
// and as data, public and private, do what those without them do, and nobody calls theirs.
#include <asyncore.hpp>
#include <asyncore/child_process.hpp>
#include <asyncore/signal_channel.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <optional>
#include <string>

using namespace std::chrono_literals;

namespace {

int called = 0;  // by the library, of what it has no business with

// What the loop and the kinds call of each other, and what users call. Not the words of a user's
// own classes here: send, recv, push, close, native_handle.
#define NAMES(X)                                                                                 \
  X(disconnected) X(abandon) X(has_output) X(refill) X(may_read) X(before_wait)                  \
  X(resume_accepting) X(wanted_interest) X(most_to_send) X(drop_unsent) X(receive_space)         \
  X(state) X(id) X(loop) X(log) X(description) X(type) X(queued) X(closing) X(connected)         \
  X(connecting) X(accepting) X(addr) X(local_addr) X(registered) X(hung_up) X(rearm) X(fetch)    \
  X(unlink) X(unlinked) X(link_before) X(add_channel) X(del_channel) X(reading_paused)           \
  X(handle) X(kind) X(derived) X(has) X(asked) X(record) X(base) X(state_) X(loop_) X(id_)       \
  X(queue_) X(owned_) X(self) X(deadline_time) X(clear_deadline) X(set_descriptor)               \
  X(close_descriptor) X(deliver_read) X(limit_reached) X(send_soon) X(initiate_send) X(abort)    \
  X(staging) X(discard_buffers) X(get_terminator) X(pid) X(watch) X(release) X(pipe_) X(name)  \
  X(has_closed) X(has_deadline) X(release_descriptor) X(usage_)

#define AS_FUNCTION(NAME) \
  void NAME() { ++called; }
#define AS_DATA(NAME) int NAME = 7;
#define PLUS(NAME) +NAME
#define PUBLIC_FUNCTIONS NAMES(AS_FUNCTION)
#define PUBLIC_DATA NAMES(AS_DATA)
#define PRIVATE_FUNCTIONS \
 private:                 \
  NAMES(AS_FUNCTION)
#define PRIVATE_DATA                           \
  int sum() const { return 0 NAMES(PLUS); }    \
                                               \
 private:                                      \
  NAMES(AS_DATA)

using bytes = std::span<const std::byte>;

/// What became of it; kept beside the channel, whose names are all taken.
struct outcome {
  std::string got;
  int closes = 0, errors = 0, timeouts = 0, highs = 0, lows = 0, ends = 0;
};
outcome now;

[[noreturn]] void lose_peer() {
  throw std::system_error(ECONNRESET, std::system_category(), "a backend");
}

struct hooks {
  void handle_close() { ++now.closes; }
};

#define CHANNELS(FLAVOUR, MEMBERS)                                                               \
  template <class Place>                                                                         \
  struct FLAVOUR {                                                                               \
    struct watcher;                                                                              \
    struct file;                                                                                 \
    struct server;                                                                               \
    struct client;                                                                               \
    struct sender;                                                                               \
    struct chat;                                                                                 \
    struct signals;                                                                              \
    struct program;                                                                              \
    using loop_type = typename Place::template loop<watcher, file, server, client, sender, chat, \
                                                    signals, program>;                           \
    struct watcher : asyncore::channel<watcher, loop_type> {                                     \
      using asyncore::channel<watcher, loop_type>::channel;                                      \
      void handle_read() { lose_peer(); }                                                        \
      void handle_close() {                                                                      \
        ++now.closes;                                                                            \
        asyncore::channel<watcher, loop_type>::close();                                          \
      }                                                                                          \
      MEMBERS                                                                                    \
    };                                                                                           \
    struct file : asyncore::file_dispatcher<file, loop_type> {                                   \
      using asyncore::file_dispatcher<file, loop_type>::file_dispatcher;                         \
      void handle_data(bytes data) {                                                             \
        now.got += asyncore::as_text(data);                                                      \
        if (now.got == "end") throw std::runtime_error("not a disconnect");                      \
      }                                                                                          \
      MEMBERS                                                                                    \
    };                                                                                           \
    struct server : asyncore::dispatcher<server, loop_type> {                                    \
      server(loop_type& of, const asyncore::endpoint& where)                                     \
          : asyncore::dispatcher<server, loop_type>(of) {                                        \
        this->create_socket();                                                                   \
        this->bind(where);                                                                       \
        this->listen();                                                                          \
      }                                                                                          \
      void handle_accepted(asyncore::socket peer, asyncore::endpoint) {                          \
        asyncore::dispatcher<server, loop_type>::loop().template emplace<sender>(                \
            std::move(peer));                                                                    \
        this->close();                                                                           \
      }                                                                                          \
      MEMBERS                                                                                    \
    };                                                                                           \
    struct client : asyncore::dispatcher<client, loop_type> {                                    \
      client(loop_type& of, const asyncore::endpoint& where)                                     \
          : asyncore::dispatcher<client, loop_type>(of) {                                        \
        this->create_socket();                                                                   \
        this->connect(where);                                                                    \
      }                                                                                          \
      void handle_connect() { BOOST_TEST(this->send("x").bytes() == 1u); }                       \
      void handle_data(bytes data) {                                                             \
        now.got += asyncore::as_text(data);                                                      \
        if (now.got.size() == size) lose_peer();                                                 \
      }                                                                                          \
      void handle_close() {                                                                      \
        ++now.closes;                                                                            \
        this->close();                                                                           \
      }                                                                                          \
      MEMBERS                                                                                    \
    };                                                                                           \
    struct sender : asyncore::dispatcher_with_send<sender, loop_type>,                           \
                    asyncore::deadline<sender, loop_type> {                                      \
      sender(loop_type& of, asyncore::socket peer)                                               \
          : asyncore::dispatcher_with_send<sender, loop_type>(of, std::move(peer)) {             \
        this->set_deadline(1h);                                                                  \
      }                                                                                          \
      void handle_data(bytes) { this->send(std::string(size, 'x')); }                            \
      void handle_high_water() { ++now.highs; }                                                  \
      void handle_low_water() { ++now.lows; }                                                    \
      void handle_timeout() { ++now.timeouts; }                                                  \
      MEMBERS                                                                                    \
    };                                                                                           \
    struct chat : asyncore::async_chat<chat, loop_type> {                                        \
      chat(loop_type& of, asyncore::socket peer)                                                 \
          : asyncore::async_chat<chat, loop_type>(of, std::move(peer)) {                         \
        this->set_terminator("\n");                                                              \
      }                                                                                          \
      static constexpr std::size_t ac_in_buffer_size = 3;                                        \
      void collect_incoming_data(bytes data) { now.got += asyncore::as_text(data); }             \
      void found_terminator() {                                                                  \
        this->push_with_producer(asyncore::simple_producer(std::string(size, 'x')));             \
        this->close_when_done();                                                                 \
      }                                                                                          \
      MEMBERS                                                                                    \
    };                                                                                           \
    struct signals : asyncore::signal_channel<signals, loop_type> {                              \
      using asyncore::signal_channel<signals, loop_type>::signal_channel;                        \
      void handle_signal(int number) {                                                           \
        BOOST_TEST(number == SIGUSR1);                                                           \
        this->close();                                                                           \
      }                                                                                          \
      MEMBERS                                                                                    \
    };                                                                                           \
    struct program : asyncore::child_process<program, loop_type> {                               \
      explicit program(loop_type& of) : asyncore::child_process<program, loop_type>(of) {        \
        this->start({.program = "/bin/sh", .arguments = {"-c", "exit 3"}});                      \
      }                                                                                          \
      void handle_exit(asyncore::exit_status ended) {                                            \
        now.ends = ended.code();                                                                 \
      }                                                                                          \
      MEMBERS                                                                                    \
    };                                                                                           \
  };

constexpr std::size_t size = 1 << 20;  // more than a socket takes at once

CHANNELS(public_functions, PUBLIC_FUNCTIONS)
CHANNELS(private_functions, PRIVATE_FUNCTIONS)
CHANNELS(public_data, PUBLIC_DATA)
CHANNELS(private_data, PRIVATE_DATA)

template <class... Places>
std::tuple<public_functions<Places>..., private_functions<Places>..., public_data<Places>...,
           private_data<Places>...>
in_each(const std::tuple<Places...>&);
using flavours = decltype(in_each(std::declval<test::one_a_poller>()));

struct counted : test::world {
  counted() {
    called = 0;
    now = {};
  }
  ~counted() { BOOST_TEST(called == 0); }
};

/// Turns until `done`; what waits in `far` is read, so that who sends can go on.
template <class Loop, class Done>
std::string turns_until(Loop& loop, const test::unique_fd& far, Done done) {
  std::string got;
  for (int left = 10'000; left > 0 && !done(got); --left) {
    loop.poll(10ms);
    if (far) got += test::take(far);
  }
  return got;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(names_of_ones_own, counted)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_plain_channel, Flavour, flavours) {
  typename Flavour::loop_type loop;
  test::ends pipe = test::pipe_to_near();
  typename Flavour::watcher watches(loop, pipe.near.get());
  test::put(pipe.far, "x");
  test::turn(loop);
  BOOST_TEST(now.closes == 0);  // what its hook threw is an error, which closes it
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_file, Flavour, flavours) {
  typename Flavour::loop_type loop;
  test::ends pipe = test::pipe_to_near();
  loop.template emplace<typename Flavour::file>(std::move(pipe.near));
  test::put(pipe.far, "end");
  test::turn(loop);
  BOOST_TEST(now.got == "end");
  BOOST_TEST(loop.empty());  // what its hook threw has been logged, and it is closed
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_server_a_client_and_what_waits_to_be_sent, Flavour, flavours) {
  typename Flavour::loop_type loop;
  using server = asyncore::dispatcher<typename Flavour::server, typename Flavour::loop_type>;
  server& listens = loop.template emplace<typename Flavour::server>(test::any_port);
  loop.template emplace<typename Flavour::client>(listens.local_addr());
  turns_until(loop, {}, [&](const std::string&) { return loop.empty(); });
  BOOST_TEST(now.got.size() == size);
  BOOST_TEST(now.closes == 1);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(watermarks_and_the_end_of_the_loop, Flavour, flavours) {
  std::optional<typename Flavour::loop_type> loop(std::in_place);
  test::ends pair = test::socket_pair();
  typename Flavour::sender outlives(*loop, asyncore::socket(std::move(pair.near)));
  test::put(pair.far, "x");
  const std::string got =
      turns_until(*loop, pair.far, [](const std::string& all) { return all.size() == size; });
  BOOST_TEST(got.size() == size);
  BOOST_TEST(now.highs == 1);
  BOOST_TEST(now.lows == 1);
  BOOST_TEST(outlives.native_handle() >= 0);
  loop.reset();
  BOOST_TEST(outlives.native_handle() < 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(lines_and_producers, Flavour, flavours) {
  typename Flavour::loop_type loop;
  test::ends pair = test::socket_pair();
  loop.template emplace<typename Flavour::chat>(asyncore::socket(std::move(pair.near)));
  test::put(pair.far, "a line\n");
  const std::string got =
      turns_until(loop, pair.far, [&](const std::string&) { return loop.empty(); });
  BOOST_TEST(now.got == "a line");
  BOOST_TEST(got.size() + test::take(pair.far).size() == size);
}

#if !defined(TEST_SIMULATED)
BOOST_AUTO_TEST_CASE_TEMPLATE(signals_and_programs, Flavour, flavours) {
  typename Flavour::loop_type loop;
  loop.template emplace<typename Flavour::signals>(std::initializer_list<int>{SIGUSR1});
  loop.template emplace<typename Flavour::program>();
  std::raise(SIGUSR1);
  loop.run({.timeout = 30s});
  BOOST_TEST(now.ends == 3);
}
#endif

BOOST_AUTO_TEST_SUITE_END()

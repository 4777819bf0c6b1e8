// SPDX-License-Identifier: BSL-1.0
// What seldom happens to sockets: listeners without a descriptor to spare, attempts that are
// repeated, errors that look like something else.
#include <asyncore.hpp>
#include <asyncore/timers.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/outcome.hpp"
#include "../support/turns.hpp"
#include "../support/walled_system.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using asyncore::endpoint;
using test::outcome;

asyncore::socket wall_in(const test::unique_fd& fd) {
  return asyncore::socket(test::walled_system::inside(test::copy_of(fd.get()).release()));
}

BOOST_AUTO_TEST_SUITE(rare_sockets)

// Listeners

struct listener;
using listener_loop = asyncore::basic_loop<test::walled_poller<asyncore::default_poller>,
                                           asyncore::hash_map<>>;
struct listener : asyncore::dispatcher<listener, listener_loop> {
  static constexpr bool turns_away = true;
  explicit listener(listener_loop& loop) : dispatcher(loop) {
    create_socket();
    bind(test::any_port);
  }
  void handle_accepted(asyncore::socket, endpoint) { ++accepted; }
  void log_info(std::string_view text, std::string_view) { logged += std::string(text) + "\n"; }
  int accepted = 0;
  std::string logged;
};
struct idle : asyncore::channel<idle, listener_loop> {
  idle(listener_loop& loop, int fd) : channel(loop, fd) {}
  void handle_read() {}
};

// Without a descriptor, and with or without one in reserve.
BOOST_AUTO_TEST_CASE(those_who_cannot_be_turned_away_wait) {
  listener_loop loop;
  listener server(loop);
  auto& failures = loop.system().failures;
  failures["socket"] = {-EMFILE};  // so that there is no reserve
  server.listen();
  const test::unique_fd client = test::connected_to(server.local_addr());
  failures["accept"] = {-EMFILE};
  loop.poll(1s);
  BOOST_TEST(test::contains(server.logged, "accepting pauses"));
  BOOST_TEST(server.accepted == 0);
  loop.call_later(0ns, [] {});  // for which the reserve lets the loop wait
  BOOST_TEST(test::turn_until(loop, [&] { return server.accepted == 1; }));
  // The reserve, which there is now, is taken by somebody else.
  server.logged.clear();
  const test::unique_fd second = test::connected_to(server.local_addr());
  failures["accept"] = {-EMFILE, -EMFILE};
  loop.poll(1s);
  BOOST_TEST(test::contains(server.logged, "turned away 0"));
  BOOST_TEST(test::contains(server.logged, "accepting pauses"));
  BOOST_TEST(test::turn_until(loop, [&] { return server.accepted == 2; }));
  // Or whoever waited has gone.
  server.logged.clear();
  const test::unique_fd third = test::connected_to(server.local_addr());
  failures["accept"] = {-EMFILE, -EAGAIN};
  loop.poll(1s);
  BOOST_TEST(test::contains(server.logged, "turned away 0"));
  BOOST_TEST(!test::contains(server.logged, "accepting pauses"));
  BOOST_TEST(test::turn_until(loop, [&] { return server.accepted == 3; }));
  server.listen();  // it keeps the reserve that it has
  BOOST_TEST(loop.system().calls["socket"] == 5);
}

// More of them wait than the loop remembers: then all channels are asked, of any kind.
BOOST_AUTO_TEST_CASE(many_listeners_among_other_channels) {
  listener_loop loop;
  test::ends pipe = test::pipe_to_near();
  idle other(loop, test::walled_system::inside(pipe.near.get()));
  std::vector<std::unique_ptr<listener>> servers;
  std::vector<test::unique_fd> clients;
  for (int i = 0; i < 6; ++i) {
    servers.push_back(std::make_unique<listener>(loop));
    loop.system().failures["socket"] = {-EMFILE};
    servers.back()->listen();
    clients.push_back(test::connected_to(servers.back()->local_addr()));
  }
  loop.system().failures["socket"].clear();
  loop.system().failures["accept"] = {-ENFILE, -ENFILE, -ENFILE, -ENFILE, -ENFILE, -ENFILE,
                                      -ENFILE, -ENFILE, -ENFILE, -ENFILE, -ENFILE, -ENFILE};
  loop.poll(1s);
  loop.system().failures["accept"].clear();
  BOOST_TEST(test::turn_until(loop, [&] {
    int accepted = 0;
    for (const auto& each : servers) accepted += each->accepted;
    return accepted == 6;
  }));
}

BOOST_AUTO_TEST_CASE(listeners_that_share_a_port) {
  asyncore::default_loop loop;
  struct server : asyncore::dispatcher<server> {
    explicit server(asyncore::default_loop& of) : dispatcher(of) {}
    void handle_accepted(asyncore::socket, endpoint) { ++accepted; }
    int accepted = 0;
  };
  server one(loop), two(loop), refused(loop), none(loop);
  one.create_socket();
  one.set_reuse_port();
  one.bind(test::any_port);
  one.listen();
  two.create_socket();
  std::error_code failed;
  two.set_reuse_port(failed);
  BOOST_TEST(!failed);
  two.bind(one.local_addr());
  two.listen();
  refused.create_socket();
  refused.bind(one.local_addr(), failed);
  BOOST_TEST((failed == std::errc::address_in_use));
  BOOST_CHECK_EXCEPTION(none.set_reuse_port(), std::system_error, [](const auto& e) {
    return test::contains(e.what(), "set_reuse_port") && e.code().value() == EBADF;
  });
  std::vector<test::unique_fd> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(test::connected_to(one.local_addr()));
  BOOST_TEST(test::turn_until(loop, [&] { return one.accepted + two.accepted == 20; }));
}

// Attempts

struct caller;
using caller_loop = asyncore::basic_loop<test::walled_poller<asyncore::poll_poller>,
                                         asyncore::hash_map<caller>>;
struct caller : asyncore::dispatcher<caller, caller_loop> {
  using dispatcher::dispatcher;
  void handle_connect() { ++got.connects; }
  void handle_error() {
    got.catch_current();
    if (on_error) on_error();
  }
  void handle_expt() { ++urgent; }
  void handle_close() {
    ++got.closes;
    close();
  }
  outcome got;
  int urgent = 0;
  std::function<void()> on_error;
};

// It is repeated by the hook that is told of the first, out of the loop or in it.
BOOST_AUTO_TEST_CASE(an_attempt_that_is_repeated) {
  for (const bool leaves : {false, true}) {
    caller_loop loop;
    caller channel(loop);
    const test::unique_fd listener = test::tcp_listener();
    channel.create_socket();
    channel.on_error = [&] {
      if (leaves) channel.del_channel();
      channel.connect(test::name_of(listener.get()));
      if (leaves) channel.add_channel();
    };
    loop.system().failures["SO_ERROR"] = {ETIMEDOUT};
    loop.system().failures["connect"] = {-EINPROGRESS};
    channel.connect(test::name_of(listener.get()));
    loop.poll(0ns);
    if (channel.got.errors == 0) {  // not a report without an attempt
      channel.handle_write_event();
    }
    BOOST_TEST(channel.got.errors == 1);
    BOOST_TEST(test::turn_until(loop, [&] { return channel.got.connects == 1; }));
    BOOST_TEST(channel.got.closes == 0);
  }
}

// Urgent data, and what looks like it.
BOOST_AUTO_TEST_CASE(an_error_that_looks_like_urgent_data) {
  for (const int error : {0, ECONNRESET}) {
    caller_loop loop;
    test::ends pair = test::tcp_pair();
    caller channel(loop, wall_in(pair.near));
    loop.system().failures["SO_ERROR"] = {error};
    test::put_urgent(pair.far);
    BOOST_TEST(test::wait_for(pair.near.get(), POLLPRI));
    loop.poll(1s);
    BOOST_TEST(channel.urgent == (error == 0 ? 1 : 0));
    BOOST_TEST(channel.got.closes == (error == 0 ? 0 : 1));
  }
}

// A datagram socket of the user's own.
BOOST_AUTO_TEST_CASE(a_socket_of_datagrams_is_known_as_one) {
  asyncore::default_loop loop;
  struct receiver : asyncore::dispatcher<receiver> {
    explicit receiver(asyncore::default_loop& of) : dispatcher(of) {}
    void handle_read() {
      std::byte buffer[10];
      endpoint from;
      got += recvfrom(buffer, from).bytes();
    }
    std::size_t got = 0;
  };
  test::unique_fd fd = test::bound_to(test::any_port, SOCK_DGRAM);
  const endpoint where = test::name_of(fd.get());
  receiver channel(loop);
  channel.set_socket(asyncore::socket(std::move(fd)));
  const test::unique_fd sender = test::checked(test::sys().socket(AF_INET, SOCK_DGRAM));
  BOOST_TEST(test::sys().sendto(sender.get(), test::bytes_in("hello"), where) == 5);
  BOOST_TEST(test::turn_until(loop, [&] { return channel.got == 5; }));
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_watched) {
  asyncore::default_loop loop;
  struct file : asyncore::file_dispatcher<file> {
    explicit file(asyncore::default_loop& of) : file_dispatcher(of) {}
    void handle_data(std::span<const std::byte>) {}
  };
  file channel(loop);
  BOOST_CHECK_THROW(channel.set_file(asyncore::unique_fd(9999)), std::system_error);
  BOOST_TEST(channel.native_handle() == -1);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

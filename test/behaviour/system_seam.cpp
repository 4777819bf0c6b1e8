// SPDX-License-Identifier: BSL-1.0
// Channels make every system call through their loop's system, and no more of them than needed.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/open_descriptors.hpp"
#include "../support/outcome.hpp"
#include "../support/turns.hpp"
#include "../support/walled_system.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <numeric>

namespace {

using asyncore::endpoint;
using test::outcome;
using test::walled_system;

template <class Place>
struct server;
template <class Place>
struct sender;
template <class Place>
struct datagrams;
template <class Place>
struct file;
template <class Place>
using loop_of = typename test::walled<Place>::template loop<server<Place>, sender<Place>,
                                                            datagrams<Place>, file<Place>>;

template <class Place>
struct sender : asyncore::dispatcher_with_send<sender<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<sender<Place>, loop_of<Place>>;
  using action = std::function<void(sender&)>;
  sender(loop_of<Place>& loop, outcome& result) : base(loop), got(result) {}
  sender(loop_of<Place>& loop, asyncore::socket socket, outcome& result, action data = {})
      : base(loop, std::move(socket)), got(result), on_data(std::move(data)) {}
  void handle_connect() { ++got.connects; }
  void handle_data(std::span<const std::byte> data) {
    got.received += asyncore::as_text(data);
    if (on_data) on_data(*this);
  }
  void handle_close() {
    ++got.closes;
    this->close();
  }
  void handle_error() {
    got.catch_current();
    this->close();
  }
  outcome& got;
  action on_data;
};

template <class Place>
struct server : asyncore::dispatcher<server<Place>, loop_of<Place>> {
  server(loop_of<Place>& loop, const endpoint& where, outcome& result)
      : asyncore::dispatcher<server<Place>, loop_of<Place>>(loop), got(result) {
    this->create_socket(where.family());
    this->set_reuse_addr();
    this->bind(where);
    this->listen();
  }
  void handle_accepted(asyncore::socket socket, endpoint) {
    if (refuses) return;
    this->loop().template emplace<sender<Place>>(std::move(socket), got,
                                                 [](auto& self) { self.send(self.got.received); });
  }
  outcome& got;
  bool refuses = false;
};

template <class Place>
struct datagrams : asyncore::dispatcher<datagrams<Place>, loop_of<Place>> {
  datagrams(loop_of<Place>& loop, outcome& result)
      : asyncore::dispatcher<datagrams<Place>, loop_of<Place>>(loop), got(result) {
    this->create_socket(AF_INET, SOCK_DGRAM);
    this->bind(endpoint::parse("127.0.0.1:0"));
  }
  void handle_read() {
    std::byte buffer[100];
    endpoint from;
    const auto result = this->recvfrom(buffer, from);
    got.received += asyncore::as_text({buffer, result.bytes()});
  }
  outcome& got;
};

template <class Place>
struct file : asyncore::file_dispatcher<file<Place>, loop_of<Place>> {
  file(loop_of<Place>& loop, int fd, outcome& result)
      : asyncore::file_dispatcher<file<Place>, loop_of<Place>>(loop, fd), got(result) {}
  void handle_data(std::span<const std::byte> data) { got.received += asyncore::as_text(data); }
  outcome& got;
};

/// A socket of the kernel as one of the system behind the wall.
asyncore::socket wall_in(test::unique_fd fd) {
  return asyncore::socket(walled_system::inside(fd.release()));
}

/// How many system calls have sent something since `before`.
std::size_t sends(const walled_system& system) { return system.sent.size(); }

BOOST_AUTO_TEST_SUITE(system_seam)

BOOST_AUTO_TEST_CASE_TEMPLATE(connections_live_behind_the_wall, Place, test::matrix) {
  const auto before = test::open_descriptors();
  {
    loop_of<Place> loop;
    outcome at_server, at_client;
    server<Place> listener(loop, endpoint::parse("127.0.0.1:0"), at_server);
    BOOST_TEST(listener.native_handle() >= walled_system::wall);
    sender<Place> client(loop, at_client);
    client.create_socket();
    client.connect(listener.local_addr());
    client.send("there and back");
    BOOST_TEST(test::turn_until(loop, [&] { return at_client.received == "there and back"; }));
    BOOST_TEST(at_client.connects == 1);
    BOOST_TEST(client.addr().to_string() == listener.addr().to_string());
    client.shutdown();
    BOOST_TEST(test::turn_until(loop, [&] { return at_client.closes == 1; }));
    listener.refuses = true;  // the socket that nobody takes is closed by its system
    client.create_socket();
    client.connect(listener.local_addr());
    BOOST_TEST(test::turn_until(loop, [&] { return at_client.closes == 2; }));
    for (const char* name : {"socket", "setsockopt", "bind", "listen", "accept", "connect",
                             "getsockopt", "getsockname", "getpeername", "shutdown", "recv"})
      BOOST_TEST(loop.system().calls[name] > 0, name);
    listener.close();
    loop.poll();
    BOOST_TEST(loop.system().calls["close"] == 5);  // the listener, and both ends of two
  }
  BOOST_TEST(test::open_descriptors() == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(datagrams_live_behind_the_wall, Place, test::matrix) {
  loop_of<Place> loop;
  outcome at_one, at_two;
  datagrams<Place> one(loop, at_one), two(loop, at_two);
  BOOST_TEST(one.sendto("over the wall", two.local_addr()).bytes() == 13u);
  BOOST_TEST(test::turn_until(loop, [&] { return at_two.received == "over the wall"; }));
  BOOST_TEST(loop.system().calls["sendto"] == 1);
  BOOST_TEST(loop.system().calls["recvfrom"] == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(files_live_behind_the_wall, Place, test::matrix) {
  const auto before = test::open_descriptors();
  {
    loop_of<Place> loop;
    outcome at_reader, at_writer;
    const test::ends pipe = test::pipe_to_near();
    file<Place> reader(loop, walled_system::inside(pipe.near.get()), at_reader);
    file<Place> writer(loop, walled_system::inside(pipe.far.get()), at_writer);
    BOOST_TEST(writer.send("through a pipe").bytes() == 14u);
    BOOST_TEST(test::turn_until(loop, [&] { return at_reader.received == "through a pipe"; }));
    for (const char* name : {"dup", "set_nonblocking", "read", "write"})
      BOOST_TEST(loop.system().calls[name] > 0, name);
  }
  BOOST_TEST(test::open_descriptors() == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_a_hook_sends_leaves_in_one_call, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  sender<Place> channel(loop, wall_in(std::move(pair.near)), got, [](auto& self) {
    for (const char* part : {"HTTP/1.1 ", "200 ", "OK\r\n", "\r\n"}) self.send(part);
    self.send(self.got.received);
  });
  test::put(pair.far, "body");
  test::turn(loop);
  BOOST_TEST(test::take(pair.far) == "HTTP/1.1 200 OK\r\n\r\nbody");
  BOOST_TEST(sends(loop.system()) == 1u);

  channel.on_data = [](auto& self) {  // also when it is long and of many pieces
    for (int i = 0; i < 100; ++i) self.send(std::string(300, static_cast<char>('a' + i % 26)));
  };
  test::put(pair.far, "?");
  test::turn(loop);
  BOOST_TEST(test::take(pair.far).size() == 30'000u);
  BOOST_TEST(sends(loop.system()) == 2u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_others_send_leaves_in_one_call, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends asked = test::socket_pair(), told = test::socket_pair();
  sender<Place> two(loop, wall_in(std::move(told.near)), got);
  sender<Place> one(loop, wall_in(std::move(asked.near)), got, [&](auto&) {
    for (int i = 0; i < 100; ++i) two.send(std::string(300, 'x'));
  });
  test::put(asked.far, "?");
  test::turn(loop, 2);
  BOOST_TEST(test::take(told.far).size() == 30'000u);
  BOOST_TEST(sends(loop.system()) == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(initiate_send_does_not_wait_for_the_hook, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  std::string seen;
  sender<Place> channel(loop, wall_in(std::move(pair.near)), got, [&](auto& self) {
    self.send("in ");
    self.send("between");
    seen += test::take(pair.far);
    self.initiate_send();
    seen += "|" + test::take(pair.far);
    self.send("behind");
  });
  test::put(pair.far, "?");
  test::turn(loop);
  BOOST_TEST(seen == "|in between");
  BOOST_TEST(test::take(pair.far) == "behind");
  BOOST_TEST(sends(loop.system()) == 2u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(outside_of_a_turn_it_sends_at_once, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  sender<Place> channel(loop, wall_in(std::move(pair.near)), got);
  channel.send("now");
  BOOST_TEST(test::take(pair.far) == "now");
  BOOST_TEST(sends(loop.system()) == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_full_socket_is_not_asked_again, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  test::fill(pair.near);
  sender<Place> channel(loop, wall_in(std::move(pair.near)), got,
                        [](auto& self) { self.send("more"); });
  channel.send("waits");
  BOOST_TEST(sends(loop.system()) == 1u);
  for (int i = 0; i < 5; ++i) {
    channel.send("waits too");
    test::put(pair.far, "?");
    test::turn(loop);
  }
  BOOST_TEST(sends(loop.system()) == 1u);
  BOOST_TEST(channel.queued() == 5 + 5 * 9 + 5 * 4u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_dispatch_within_a_hook_mixes_nothing, Place, test::matrix) {
  loop_of<Place> loop;
  outcome at_outer, at_inner;
  test::ends outer_pair = test::socket_pair(), inner_pair = test::socket_pair();
  sender<Place> inner(loop, wall_in(std::move(inner_pair.near)), at_inner,
                      [](auto& self) { self.send("inner" + self.got.received); });
  sender<Place> outer(loop, wall_in(std::move(outer_pair.near)), at_outer);
  test::turn(loop);
  outer.on_data = [&](auto& self) {
    self.send(self.got.received);
    test::put(inner_pair.far, "!");
    loop.readwrite(inner, asyncore::readiness::read);
    self.send("outer");
  };
  test::put(outer_pair.far, "?");
  test::turn(loop, 2);
  BOOST_TEST(test::take(outer_pair.far) == "?outer");
  BOOST_TEST(test::take(inner_pair.far) == "inner!");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_echo_sends_the_bytes_it_was_given, Place, test::matrix) {
  struct echo : asyncore::dispatcher_with_send<echo, loop_of<Place>> {
    using echo::dispatcher_with_send::dispatcher_with_send;
    void handle_data(std::span<const std::byte> data) {
      this->send(data);
      this->send(data.first(2));  // more behind what has not been copied
      this->send(",");
    }
  };
  if constexpr (!Place::closed) {
    loop_of<Place> loop;
    test::ends pair = test::socket_pair();
    echo channel(loop, wall_in(std::move(pair.near)));
    for (const std::string_view message : {"first", "second"}) {
      test::put(pair.far, message);
      test::turn(loop);
    }
    BOOST_TEST(test::take(pair.far) == "firstfi,secondse,");
    BOOST_TEST(sends(loop.system()) == 2u);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_to_send_is_not_sent, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  test::ends pair = test::socket_pair();
  sender<Place> channel(loop, wall_in(std::move(pair.near)), got);
  test::put(pair.far, "?");
  test::turn(loop);
  pair.far.reset();
  BOOST_TEST(test::turn_until(loop, [&] { return got.closes == 1; }));
  BOOST_TEST(got.received == "?");
  BOOST_TEST(sends(loop.system()) == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(accept_pauses_while_no_descriptor_is_free, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  server<Place> listener(loop, endpoint::parse("127.0.0.1:0"), got);
  auto& other = loop.template emplace<datagrams<Place>>(got);
  loop.system().failures["accept"].assign(1000, -EMFILE);
  const test::unique_fd client = test::connected_to(listener.local_addr());
  test::turn(loop, 50);
  BOOST_TEST(loop.system().calls["accept"] <= 2);  // two, should the turns have taken long
  loop.system().failures["accept"].clear();
  other.close();  // frees a descriptor: no need to wait any longer
  test::put(client, "x");
  test::turn(loop, 5);
  BOOST_TEST(got.received == "x");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_unreachable_host_reaches_handle_error, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  const test::unique_fd listener = test::tcp_listener();
  const endpoint where = test::name_of(listener.get());
  sender<Place> client(loop, got);
  client.create_socket();
  loop.system().failures["SO_ERROR"] = {EHOSTUNREACH};  // as an ICMP message has it, later
  client.connect(where);
  BOOST_TEST(test::turn_until(loop, [&] { return got.errors == 1; }));
  BOOST_TEST((got.code == std::errc::host_unreachable));
  BOOST_TEST(test::contains(got.what, "connect " + where.to_string()), got.what);
  BOOST_TEST(got.connects == 0);
  BOOST_TEST(loop.empty());
}

// As in Python: it was a connection that ended, not an error.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_reset_while_connecting_is_a_close, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  const test::unique_fd listener = test::tcp_listener();
  sender<Place> client(loop, got);
  client.create_socket();
  loop.system().failures["SO_ERROR"] = {ECONNRESET};
  client.connect(test::name_of(listener.get()));
  BOOST_TEST(test::turn_until(loop, [&] { return got.closes == 1; }));
  BOOST_TEST(got.errors + got.connects == 0);
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_error_of_recv_and_of_send_reaches_handle_error, Place,
                              test::matrix) {
  loop_of<Place> loop;
  outcome reads, writes;
  test::ends one = test::socket_pair(), two = test::socket_pair();
  sender<Place> reading(loop, wall_in(std::move(one.near)), reads);
  sender<Place> writing(loop, wall_in(std::move(two.near)), writes,
                        [](auto& self) { self.send("x"); });
  loop.system().failures["recv"] = {-ETIMEDOUT};
  test::put(one.far, "x");
  test::turn(loop);
  BOOST_TEST(reads.errors == 1);
  BOOST_TEST((reads.code == std::errc::timed_out));
  loop.system().failures["send"] = {-EMSGSIZE};
  test::put(two.far, "x");
  test::turn(loop);
  BOOST_TEST(writes.errors == 1);
  BOOST_TEST((writes.code == std::errc::message_size));
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

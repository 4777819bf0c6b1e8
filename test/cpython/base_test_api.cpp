// SPDX-License-Identifier: BSL-1.0
// What BaseTestAPI of CPython's own Lib/test/test_asyncore.py (3.11) checks, test by test and under
// its names: over IPv4, IPv6 and UNIX sockets, and the matrix instead of select and poll.
#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

namespace {

using asyncore::endpoint;

template <class Place>
struct player;
template <class Place>
using loop_of = typename Place::template loop<player<Place>>;

// A server, its handlers, or a client: does in its hooks what a test says. Where it says nothing,
// handle_read and handle_write are as good as undefined, a server gives its connections to
// handlers, a client may connect, and any other hook is not supposed to be called.
template <class Place>
struct player : asyncore::dispatcher<player<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher<player<Place>, loop_of<Place>>;
  using role = std::function<void(player&)>;

  explicit player(loop_of<Place>& loop) : base(loop) {}
  player(loop_of<Place>& loop, asyncore::socket peer, const role& begin)
      : base(loop, std::move(peer)) {
    if (begin) begin(*this);
  }

  bool readable() const { return on_read != nullptr || this->accepting(); }
  bool writable() const { return on_write != nullptr; }
  void handle_read() { on_read(*this); }
  void handle_write() { on_write(*this); }
  void handle_connect() {
    if (on_connect) on_connect(*this);
  }
  void handle_expt() { play(on_expt, "handle_expt"); }
  void handle_close() { play(on_close, "handle_close"); }
  void handle_error() { play(on_error, "handle_error"); }
  void handle_accept() {
    if (on_accept) return on_accept(*this);
    base::handle_accept();
  }
  void handle_accepted(asyncore::socket peer, endpoint) {
    if (on_accepted) return on_accepted(*this);  // which closes the peer
    this->loop().template emplace<player>(std::move(peer), handlers);
  }

  void play(const role& part, const char* hook) {
    if (part) return part(*this);
    BOOST_ERROR(hook << " not supposed to be called");
    this->close();
  }

  role on_read, on_write, on_connect, on_expt, on_close, on_error, on_accept, on_accepted;
  role handlers;  // of a server: how its handlers begin
  bool flag = false;
};

// A server that listens at an address of a family, and a client.
template <class Place>
struct stage {
  explicit stage(int family) {
    server.create_socket(family);
    server.set_reuse_addr();
    server.bind(address_of(family));
    server.listen(5);
  }

  endpoint address_of(int family) const {
    if (family == AF_UNIX) return directory.address("socket");
    return endpoint::parse(family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0");
  }
  void connect() {
    client.create_socket(server.local_addr().family());
    client.connect(server.local_addr());
  }
  // Connects, and turns until the flag is set.
  void wait_for(player<Place>& whose) {
    connect();
    BOOST_TEST(test::turn_until(loop, [&] { return whose.flag; }));
  }

  test::temporary_directory directory;
  loop_of<Place> loop;
  player<Place> server{loop};
  player<Place> client{loop};
};

bool has_ipv6() {
  const test::unique_fd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const endpoint any = endpoint::parse("[::1]:0");
  return fd && ::bind(fd.get(), any.data(), any.size()) == 0;
}

const std::vector<int>& families() {
  static const std::vector<int> all =
      has_ipv6() ? std::vector{AF_INET, AF_INET6, AF_UNIX} : std::vector{AF_INET, AF_UNIX};
  return all;
}

void raise_flag(auto& channel) { channel.flag = true; }

void raise_flag_and_close(auto& channel) {
  channel.flag = true;
  channel.close();
}

BOOST_AUTO_TEST_SUITE(BaseTestAPI)

BOOST_AUTO_TEST_CASE_TEMPLATE(test_handle_connect, Place, test::matrix) {
  for (const int family : families()) {
    stage<Place> s(family);
    s.client.on_connect = raise_flag<player<Place>>;
    s.wait_for(s.client);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_handle_accept, Place, test::matrix) {
  for (const int family : families()) {
    stage<Place> s(family);
    s.server.on_accept = raise_flag<player<Place>>;
    s.wait_for(s.server);
  }
}

// By the handle_accept that a class calls of its base.
BOOST_AUTO_TEST_CASE_TEMPLATE(test_handle_accepted, Place, test::matrix) {
  for (const int family : families()) {
    stage<Place> s(family);
    s.server.on_accept = [](auto& self) { self.base::handle_accept(); };
    s.server.on_accepted = raise_flag<player<Place>>;
    s.client.on_close = [](auto& self) { self.close(); };
    s.wait_for(s.server);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_handle_read, Place, test::matrix) {
  for (const int family : families()) {
    stage<Place> s(family);
    s.server.handlers = [](auto& self) { (void)self.send(std::string(1'024, 'x')); };
    s.client.on_read = raise_flag<player<Place>>;
    s.wait_for(s.client);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_handle_write, Place, test::matrix) {
  for (const int family : families()) {
    stage<Place> s(family);
    s.client.on_write = raise_flag<player<Place>>;
    s.wait_for(s.client);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_handle_close, Place, test::matrix) {
  for (const int family : families()) {
    stage<Place> s(family);
    s.server.handlers = [](auto& self) { self.close(); };
    s.client.on_read = [](auto& self) {
      std::array<std::byte, 1'024> buffer;
      (void)self.recv(buffer);
    };
    s.client.on_close = raise_flag_and_close<player<Place>>;
    s.wait_for(s.client);
  }
}

// Sending to a peer that is gone (ECONNRESET, EPIPE) closes, and is no error.
BOOST_AUTO_TEST_CASE_TEMPLATE(test_handle_close_after_conn_broken, Place, test::matrix) {
  for (const int family : families()) {
    stage<Place> s(family);
    s.server.handlers = [](auto& self) {
      self.on_read = [](auto& reader) {
        std::array<std::byte, 128> buffer;
        (void)reader.recv(buffer);
        reader.close();
      };
    };
    s.client.on_write = [](auto& self) { (void)self.send(std::string(128, '\0')); };
    s.client.on_close = s.client.on_expt = raise_flag_and_close<player<Place>>;
    s.wait_for(s.client);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_handle_expt, Place, test::matrix) {
  for (const int family : families()) {
    if (family == AF_UNIX) continue;  // has no out-of-band data
    stage<Place> s(family);
    s.server.handlers = [](auto& self) {
      const char urgent = static_cast<char>(244);
      BOOST_TEST(::send(self.native_handle(), &urgent, 1, MSG_OOB) == 1);
    };
    s.client.on_expt = [](auto& self) {
      char urgent = 0;
      BOOST_TEST(::recv(self.native_handle(), &urgent, 1, MSG_OOB) == 1);
      BOOST_TEST(urgent == static_cast<char>(244));
      self.flag = true;
    };
    s.wait_for(s.client);
  }
}

#if ASYNCORE_HAS_EXCEPTIONS
// handle_error finds what a hook has thrown.
BOOST_AUTO_TEST_CASE_TEMPLATE(test_handle_error, Place, test::matrix) {
  struct division_by_zero {};
  for (const int family : families()) {
    stage<Place> s(family);
    s.client.on_write = [](auto&) { throw division_by_zero(); };
    s.client.on_error = [](auto& self) {
      self.flag = true;
      BOOST_REQUIRE(std::current_exception() != nullptr);
      BOOST_CHECK_THROW(throw, division_by_zero);
    };
    s.wait_for(s.client);
  }
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(test_connection_attributes, Place, test::matrix) {
  for (const int family : families()) {
    stage<Place> s(family);
    const player<Place>&server = s.server, &client = s.client;
    s.connect();
    BOOST_TEST(!server.connected());
    BOOST_TEST(server.accepting());
    BOOST_TEST(!client.accepting());
    BOOST_TEST(client.connecting());

    BOOST_TEST(test::turn_until(s.loop, [&] { return client.connected(); }));
    BOOST_TEST(!server.connected());
    BOOST_TEST(server.accepting());
    BOOST_TEST(!client.accepting());
    BOOST_TEST(!client.connecting());

    s.client.close();
    BOOST_TEST(!server.connected());
    BOOST_TEST(server.accepting());
    BOOST_TEST(!client.connected());
    BOOST_TEST(!client.accepting());

    s.server.close();
    BOOST_TEST(!server.connected());
    BOOST_TEST(!server.accepting());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(test_create_socket, Place, test::matrix) {
  for (const int family : families()) {
    loop_of<Place> loop;
    player<Place> s(loop);
    s.create_socket(family);
    const int fd = s.native_handle();
    int type = 0, domain = 0;
    socklen_t size = sizeof type;
    BOOST_TEST(::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0);
    BOOST_TEST(type == SOCK_STREAM);
    BOOST_TEST(::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0);
    BOOST_TEST(domain == family);
    BOOST_TEST((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    BOOST_TEST((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE_TEMPLATE(test_bind, Place, test::matrix) {
  for (const int family : families()) {
    if (family == AF_UNIX) continue;  // CPython tests ports only
    stage<Place> s(family);
    s.client.create_socket(family);
    BOOST_CHECK_EXCEPTION(s.client.bind(s.server.local_addr()), std::system_error,
                          [](const auto& e) { return e.code() == std::errc::address_in_use; });
  }
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(test_set_reuse_addr, Place, test::matrix) {
  const auto reuses = [](const player<Place>& channel) {
    int value = 0;
    socklen_t size = sizeof value;
    BOOST_TEST(
        ::getsockopt(channel.native_handle(), SOL_SOCKET, SO_REUSEADDR, &value, &size) == 0);
    return value != 0;
  };
  for (const int family : families()) {
    if (family == AF_UNIX) continue;
    loop_of<Place> loop;
    player<Place> s(loop);
    s.create_socket(family);
    BOOST_TEST(!reuses(s));
    s.create_socket(family);  // closes the first
    s.set_reuse_addr();
    BOOST_TEST(reuses(s));
  }
}

// see: http://bugs.python.org/issue10340. A connection that was reset before it was accepted
// disturbs nobody.
BOOST_AUTO_TEST_CASE_TEMPLATE(test_quick_connect, Place, test::matrix) {
  for (const int family : families()) {
    if (family == AF_UNIX) continue;
    stage<Place> s(family);
    s.server.handlers = [](auto& handler) {
      handler.on_read = [](auto& self) {
        std::array<std::byte, 1> buffer;
        (void)self.recv(buffer);
      };
      handler.on_close = [](auto& self) { self.close(); };
    };
    for (int i = 0; i < 5; ++i) {
      test::unique_fd quick = test::connected_to(s.server.local_addr());
      test::reset(quick);
      test::turn(s.loop);
    }
    test::turn(s.loop, 5);
    BOOST_TEST(s.server.accepting());
    BOOST_TEST(s.loop.size() == 1u);  // the server
    s.client.on_connect = raise_flag<player<Place>>;
    s.wait_for(s.client);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// Listening sockets from systemd and from another process.
#include <asyncore.hpp>
#include <asyncore/handover.hpp>

#include "../support/descriptor_limit.hpp"
#include "../support/descriptors.hpp"
#include "../support/open_descriptors.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <system_error>
#include <vector>

namespace {

constexpr int first = 700;  // 3 and what follows are taken in a test

void announce(const std::string& pid, const std::string& count) {
  ::setenv("LISTEN_PID", pid.c_str(), 1);
  ::setenv("LISTEN_FDS", count.c_str(), 1);
}
std::string own_pid() { return std::to_string(::getpid()); }

struct counting : asyncore::dispatcher<counting> {
  using dispatcher::dispatcher;
  void handle_accepted(asyncore::socket, asyncore::endpoint) { ++accepted; }
  int accepted = 0;
};

/// True when a dispatcher that takes `listener` over accepts who connects to `where`.
bool serves(asyncore::socket listener, const asyncore::endpoint& where) {
  asyncore::default_loop loop;
  counting server(loop);
  server.set_socket(std::move(listener));
  server.listen();
  const auto client = test::connected_to(where);
  return test::turn_until(loop, [&] { return server.accepted == 1; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handover)

BOOST_AUTO_TEST_CASE(systemd_gives_listening_sockets) {
  auto one = test::tcp_listener(), two = test::tcp_listener();
  const auto where = test::name_of(two.get());
  ::dup2(one.get(), first);
  ::dup2(two.get(), first + 1);
  two.reset();
  announce(own_pid(), "2");
  auto sockets = asyncore::inherited_sockets(first);
  BOOST_TEST_REQUIRE(sockets.size() == 2u);
  for (const auto& each : sockets)
    BOOST_TEST((::fcntl(each.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  BOOST_TEST(::getenv("LISTEN_FDS") == nullptr);
  BOOST_TEST(asyncore::inherited_sockets(first).empty());
  BOOST_TEST(serves(std::move(sockets[1]), where));
}

BOOST_AUTO_TEST_CASE(what_is_not_for_this_process) {
  for (const auto& [pid, count] : std::vector<std::pair<std::string, std::string>>{
           {"1", "1"}, {"", "1"}, {own_pid(), ""}, {own_pid(), "0"}, {own_pid(), "-1"},
           {own_pid(), "1x"}, {own_pid() + " ", "1"}, {own_pid(), "99999999999999999999"},
           {"x", "x"}}) {
    announce(pid, count);
    BOOST_TEST(asyncore::inherited_sockets(first).empty());
    BOOST_TEST(::getenv("LISTEN_PID") == nullptr);
  }
  announce(own_pid(), "1");
  BOOST_CHECK_THROW(asyncore::inherited_sockets(9999), std::system_error);
  announce(own_pid(), "2147483647");
  BOOST_CHECK_THROW(asyncore::inherited_sockets(9999), std::system_error);
}

BOOST_AUTO_TEST_CASE(descriptors_pass_through_a_socket) {
  const auto pair = test::socket_pair();
  auto listener = test::tcp_listener();
  const auto where = test::name_of(listener.get());
  const int both[] = {listener.get(), pair.far.get()};
  asyncore::send_descriptors(pair.far.get(), both);
  asyncore::send_descriptors(pair.far.get(), std::span(both).first(1));
  listener.reset();
  auto got = asyncore::receive_descriptors(pair.near.get());
  BOOST_TEST_REQUIRE(got.size() == 2u);
  BOOST_TEST((::fcntl(got[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  BOOST_TEST(asyncore::receive_descriptors(pair.near.get()).size() == 1u);
  BOOST_TEST(serves(asyncore::socket(std::move(got[0])), where));
}

BOOST_AUTO_TEST_CASE(what_does_not_pass) {
  auto pair = test::socket_pair();
  std::error_code failed;
  asyncore::send_descriptors(pair.far.get(), {}, failed);
  BOOST_TEST((failed == std::errc::invalid_argument));
  std::vector<int> many(asyncore::most_descriptors, pair.far.get());
  asyncore::send_descriptors(pair.far.get(), many);
  BOOST_TEST(asyncore::receive_descriptors(pair.near.get()).size() == many.size());
  many.push_back(pair.far.get());
  asyncore::send_descriptors(pair.far.get(), many, failed);
  BOOST_TEST((failed == std::errc::invalid_argument));
  const int closed[] = {9999};
  BOOST_CHECK_THROW(asyncore::send_descriptors(pair.far.get(), closed), std::system_error);
  asyncore::receive_descriptors(pair.near.get(), failed);
  BOOST_TEST((failed == std::errc::resource_unavailable_try_again));
  test::put(pair.far, "x");
  BOOST_TEST(asyncore::receive_descriptors(pair.near.get(), failed).empty());
  BOOST_TEST((failed == std::errc::bad_message));
  pair.far.reset();
  BOOST_TEST(asyncore::receive_descriptors(pair.near.get(), failed).empty());
  BOOST_TEST(!failed);
}

// What else the kernel may say beside them: who has sent them.
BOOST_AUTO_TEST_CASE(the_sender_may_be_named_too) {
  const auto pair = test::socket_pair();
  const int on = 1, one[] = {pair.far.get()};
  BOOST_REQUIRE_EQUAL(::setsockopt(pair.near.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
  asyncore::send_descriptors(pair.far.get(), one);
  BOOST_TEST(asyncore::receive_descriptors(pair.near.get()).size() == 1u);
}

// A SOCK_SEQPACKET carries descriptors without bytes, too: they are closed, as with too many bytes.
BOOST_AUTO_TEST_CASE(in_messages) {
  for (const std::size_t bytes : {0u, 1u, 3u}) {
    int ends[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    const test::unique_fd near(ends[0]), far(ends[1]);
    const auto before = test::open_descriptors();
    char text[3] = {'d', 'd', 'd'};
    iovec data{text, bytes};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = near.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    BOOST_REQUIRE(::sendmsg(far.get(), &message, 0) == static_cast<ssize_t>(bytes));
    std::error_code failed;
    BOOST_TEST(asyncore::receive_descriptors(near.get(), failed).size() == (bytes == 1 ? 1u : 0u));
    BOOST_TEST((failed == std::errc::bad_message) == (bytes != 1));
    BOOST_TEST(test::open_descriptors() == before, boost::test_tools::per_element());
  }
}

// When some are lost for want of descriptors, all are closed.
BOOST_TEST_DECORATOR(*boost::unit_test::label("native"))
BOOST_AUTO_TEST_CASE(some_that_find_no_room) {
  const auto pair = test::socket_pair();
  const int three[] = {pair.far.get(), pair.far.get(), pair.far.get()};
  asyncore::send_descriptors(pair.far.get(), three);
  const auto before = test::open_descriptors();
  std::error_code failed;
  {
    const test::unique_fd lowest = test::copy_of(pair.far.get());
    const test::descriptor_limit limit(lowest.get() + 2);
    BOOST_REQUIRE(limit);
    BOOST_TEST(asyncore::receive_descriptors(pair.near.get(), failed).empty());
  }
  BOOST_TEST((failed == std::errc::bad_message));
  BOOST_TEST(test::open_descriptors() == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

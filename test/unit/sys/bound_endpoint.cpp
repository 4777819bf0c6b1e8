// SPDX-License-Identifier: BSL-1.0
// Endpoints as the kernel takes and gives them.
#include <asyncore/sys/endpoint.hpp>

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace {

using asyncore::endpoint;
using namespace std::string_view_literals;

constexpr std::size_t path_at = offsetof(sockaddr_un, sun_path);
constexpr std::size_t path_max = sizeof(sockaddr_un::sun_path) - 1;

struct descriptor {
  explicit descriptor(int number) : fd(number) { BOOST_REQUIRE(fd >= 0); }
  explicit descriptor(const endpoint& at) : descriptor(::socket(at.family(), SOCK_STREAM, 0)) {
    BOOST_REQUIRE_MESSAGE(::bind(fd, at.data(), at.size()) == 0, at.to_string());
  }
  descriptor(const descriptor&) = delete;
  ~descriptor() { ::close(fd); }
  int fd;
};

bool can_bind(const endpoint& where) {  // a machine may lack IPv6
  const int fd = ::socket(where.family(), SOCK_STREAM, 0);
  const bool bound = ::bind(fd, where.data(), where.size()) == 0;
  return fd >= 0 && ::close(fd) == 0 && bound;
}

// An endpoint as getsockname, getpeername and accept leave it; it held another address before.
template <class Call>
endpoint filled_by(Call call, int fd) {
  endpoint e = endpoint::parse("[1:2:3:4:5:6:7:8]:9");
  socklen_t size = endpoint::capacity();
  BOOST_REQUIRE(call(fd, e.data(), &size) == 0);
  e.resize(size);
  return e;
}

endpoint raw_unix(std::string_view bytes) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  bytes.copy(un.sun_path, sizeof(un.sun_path));
  return {reinterpret_cast<const sockaddr*>(&un), static_cast<socklen_t>(path_at + bytes.size())};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bound_endpoint)

BOOST_AUTO_TEST_CASE(to_a_port) {
  for (const std::string host : {"127.0.0.1:", "[::1]:"}) {
    const endpoint any = endpoint::parse(host + '0');
    if (any.family() == AF_INET6 && !can_bind(any)) {
      BOOST_TEST_MESSAGE("skipped: no IPv6 loopback here");
      continue;
    }
    const descriptor server(any), client(any);
    const endpoint where = filled_by(::getsockname, server.fd);
    BOOST_TEST((where.port() != 0 && where.size() == any.size()));
    BOOST_TEST(where.to_string() == host + std::to_string(where.port()));
    BOOST_TEST((endpoint::parse(where.to_string()) == where));
    BOOST_REQUIRE(::listen(server.fd, 1) == 0);
    BOOST_REQUIRE(::connect(client.fd, where.data(), where.size()) == 0);
    const descriptor accepted(::accept(server.fd, nullptr, nullptr));
    BOOST_TEST((filled_by(::getpeername, client.fd) == where));
    BOOST_TEST((filled_by(::getpeername, accepted.fd) == filled_by(::getsockname, client.fd)));
  }
}

BOOST_AUTO_TEST_CASE(to_a_path) {
  std::string dir = "/tmp/asyncore-endpoint-XXXXXX";
  BOOST_REQUIRE(::mkdtemp(dir.data()) != nullptr);
  for (const std::size_t length : {dir.size() + 2, path_max, path_max + 1}) {
    const std::string path = dir + '/' + std::string(length - dir.size() - 1, 's');
    // A path that fills sun_path has no NUL; Linux adds one and says 111 of 110: unix(7), BUGS.
    const endpoint where = length > path_max ? raw_unix(path) : endpoint::parse("unix:" + path);
    const descriptor server(where), client(::socket(AF_UNIX, SOCK_STREAM, 0));
    BOOST_TEST((filled_by(::getsockname, server.fd) == where));
    BOOST_TEST(filled_by(::getsockname, server.fd).to_string() == "unix:" + path);
    BOOST_REQUIRE(::listen(server.fd, 1) == 0);
    BOOST_REQUIRE(::connect(client.fd, where.data(), where.size()) == 0);
    const descriptor accepted(::accept(server.fd, nullptr, nullptr));
    BOOST_TEST((filled_by(::getpeername, client.fd) == where));
    BOOST_TEST(filled_by(::getpeername, accepted.fd).to_string() == "unix:");
    BOOST_TEST(::unlink(path.c_str()) == 0);
  }
  BOOST_TEST(::rmdir(dir.c_str()) == 0);
}

#if ASYNCORE_HAS_ABSTRACT_NAMES
BOOST_AUTO_TEST_CASE(to_an_abstract_name) {
  // A family alone makes the kernel choose a free name (unix(7), "Autobind feature").
  const descriptor chosen(raw_unix(""));
  const std::string stem = filled_by(::getsockname, chosen.fd).to_string();
  BOOST_TEST(stem.size() == "unix:@12345"sv.size());
  for (const std::string tail : {"-plain", "\\x00", "\\x00\\\\\\xff "}) {
    const endpoint where = endpoint::parse(stem + tail);
    const descriptor server(where);
    BOOST_TEST((filled_by(::getsockname, server.fd) == where));
    BOOST_TEST(filled_by(::getsockname, server.fd).to_string() == stem + tail);
  }
}
#endif

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
// Peers in a simulated kernel, without a loop.
#include <asyncore/sim.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace {

using asyncore::endpoint;
using asyncore::readiness;
using asyncore::sim_kernel;
using asyncore::sim_peer;

const endpoint where = endpoint::ip("127.0.0.1", 7);

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string read_from(sim_kernel& kernel, int fd) {
  std::array<std::byte, 64> into;
  const std::ptrdiff_t n = kernel.system().read(fd, into);
  return n < 0 ? std::to_string(n)
               : std::string(asyncore::as_text({into.data(), static_cast<std::size_t>(n)}));
}

BOOST_AUTO_TEST_SUITE(simulated_peers)

BOOST_AUTO_TEST_CASE(a_peer_that_listens) {
  for (const endpoint& at : {where, endpoint::parse("unix:@peer")}) {
    sim_kernel kernel;
    sim_peer server(kernel);
    server.listen(at);
    server.send("welcome");
    kernel.settle();
    BOOST_TEST(server.open());
    BOOST_TEST(!server.connected());
    const int fd = kernel.socket(at.family(), SOCK_STREAM);
    BOOST_TEST(kernel.connect(fd, at) == (at.family() == AF_UNIX ? 0 : -EINPROGRESS));
    kernel.settle();
    BOOST_TEST(server.connected());
    BOOST_TEST(read_from(kernel, fd) == "welcome");
    const iovec piece = asyncore::detail::piece_of(bytes("thanks"));
    BOOST_TEST(kernel.write(asyncore::sim_call::write, fd, {&piece, 1}) == 6);
    kernel.settle();
    BOOST_TEST(server.received() == "thanks");
    const int late = kernel.socket(at.family(), SOCK_STREAM);  // it takes one
    const int refused = kernel.connect(late, at);
    kernel.settle();
    int error = 0;
    kernel.getsockopt(late, SOL_SOCKET, SO_ERROR, error);
    BOOST_TEST((refused == -ECONNREFUSED || error == ECONNREFUSED));
    server.reset();
    kernel.settle();
    BOOST_TEST(read_from(kernel, fd) == std::to_string(-ECONNRESET));
    server.reset();  // of nothing
    BOOST_TEST(!server.open());
  }
}

BOOST_AUTO_TEST_CASE(a_peer_meets_a_full_buffer) {
  sim_kernel kernel(1, {.buffer = 4});
  sim_peer server(kernel);
  server.listen(where);
  const int fd = kernel.socket(AF_INET, SOCK_STREAM);
  kernel.connect(fd, where);
  server.send("0123456");
  kernel.settle();
  BOOST_TEST(server.unsent() == 3u);
  server.send("7");
  kernel.settle();
  BOOST_TEST(server.unsent() == 4u);
  BOOST_TEST(read_from(kernel, fd) == "0123");
  kernel.settle();
  BOOST_TEST(read_from(kernel, fd) == "4567");
}

BOOST_AUTO_TEST_CASE(a_peer_that_goes_while_it_is_to_be_woken) {
  sim_kernel kernel;
  {
    sim_peer server(kernel);
    server.listen(where);
    server.send("never");
  }
  kernel.settle();
  const int fd = kernel.socket(AF_INET, SOCK_STREAM);
  kernel.connect(fd, where);
  kernel.settle();
  BOOST_TEST(asyncore::any(kernel.ready(*kernel.at(fd)), readiness::error));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

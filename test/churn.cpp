// SPDX-License-Identifier: BSL-1.0
// Connections come and go on the real kernel, in a process that may have 64 descriptors: some
// thousands of them a poller, or as many as the environment variable CHURN says. Afterwards the
// process has the descriptors and the memory that it had.
#include <asyncore.hpp>

#include "support/descriptors.hpp"
#include "support/matrix.hpp"
#include "support/open_descriptors.hpp"
#include "support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <malloc.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

namespace {

using namespace std::chrono_literals;
using asyncore::endpoint;

template <class Place>
struct listener;
template <class Place>
struct echo;
template <class Place>
struct client;
template <class Place>
using loop_of = typename Place::template loop<listener<Place>, echo<Place>, client<Place>>;

/// What has become of the connections.
struct tally {
  long wanted = 0;   // how many there are to be
  long started = 0;
  long finished = 0;
  long refused = 0;  // for want of a descriptor, or of one at the server: tried again
  long wrong = 0;
};

/// How a connection ends.
enum class way { client_closes, client_resets, server_closes, client_shuts };

template <class Place>
struct echo : asyncore::dispatcher_with_send<echo<Place>, loop_of<Place>> {
  using echo::dispatcher_with_send::dispatcher_with_send;
  // Its timer outlasts the connection by this, and the memory of so many is not flat at once.
  static constexpr std::chrono::milliseconds linger_time{50};
  void log(std::string_view) {}
  void handle_data(std::span<const std::byte> data) {
    this->send(data);
    if (asyncore::as_text(data).ends_with('!')) this->close_when_done();
  }
};

template <class Place>
struct listener : asyncore::dispatcher<listener<Place>, loop_of<Place>> {
  explicit listener(loop_of<Place>& loop) : asyncore::dispatcher<listener, loop_of<Place>>(loop) {
    this->create_socket(AF_INET);
    this->bind(endpoint::parse("0.0.0.0:0"));
    this->listen(128);
  }
  void log(std::string_view) {}  // that it has no descriptor
  void handle_accepted(asyncore::socket peer, endpoint) {
    this->loop().template emplace<echo<Place>>(std::move(peer));
  }
};

template <class Place>
struct client : asyncore::dispatcher_with_send<client<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<client<Place>, loop_of<Place>>;
  client(loop_of<Place>& loop, tally& of, std::uint16_t port)
      : base(loop), all(of), number(of.started++), how(static_cast<way>(number % 4)) {
    text.assign(static_cast<std::size_t>(1 + number % 3000), static_cast<char>('a' + number % 26));
    if (how == way::server_closes) text.back() = '!';
    std::error_code failed;
    this->create_socket(AF_INET, SOCK_STREAM, failed);
    // Many addresses, because each has so many ports, and a port rests for a minute.
    const std::string host = "127.0." + std::to_string(1 + number % 97) + ".1";
    if (!failed) this->connect(endpoint::ip(host, port), failed);
    if (failed) {
      ++all.refused;
      --all.started;
      this->close();
      return;
    }
    this->send(text);
  }
  void log(std::string_view) {}
  void handle_data(std::span<const std::byte> data) {
    got += asyncore::as_text(data);
    if (got.size() < text.size() || how == way::server_closes || finished) return;
    if (how == way::client_shuts) {
      finished = true;
      return this->shutdown();
    }
    finish(got == text);
  }
  void handle_close() { finish(got == text); }
  void handle_error() { finish(false); }
  void finish(bool right) {
    ++all.finished;
    if (!right) ++all.wrong;
    how == way::client_resets ? this->abort() : this->close();
  }

  tally& all;
  long number;
  way how;
  std::string text, got;
  bool finished = false;
};

/// Bytes of the heap that are in use.
std::size_t heap_in_use() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

template <class Place>
void churn(tally& all) {
  loop_of<Place> loop;
  listener<Place> server(loop);
  const std::uint16_t port = server.local_addr().port();
  const auto limit = std::chrono::steady_clock::now() + 1s * (60 + all.wanted / 500);
  const long warm = all.wanted / 4;
  std::size_t warm_heap = 0;
  while (all.finished < all.wanted && std::chrono::steady_clock::now() < limit) {
    // More at once than there are descriptors for both ends.
    for (long refused = all.refused; all.started - all.finished < 50 && all.started < all.wanted &&
                                     refused == all.refused;)
      loop.template emplace<client<Place>>(all, port);
    loop.poll(10ms);
    if (warm_heap == 0 && all.finished >= warm) warm_heap = heap_in_use();
  }
  BOOST_TEST(all.finished == all.wanted);
  BOOST_TEST(heap_in_use() < warm_heap + 300'000);
  server.close();
  BOOST_TEST(test::turn_until(loop, [&] { return loop.empty(); }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(many_connections, *boost::unit_test::label("native"))

BOOST_AUTO_TEST_CASE_TEMPLATE(leave_nothing_behind, Place, test::one_a_poller) {
  const auto before = test::open_descriptors();
  {
    const test::kernel::limit_descriptors limit(64);
    tally all;
    const char* const wanted = std::getenv("CHURN");
    all.wanted = wanted != nullptr ? std::atol(wanted) : 3000;
    churn<Place>(all);
    BOOST_TEST(all.wrong == 0);
    BOOST_TEST_MESSAGE(all.finished << " connections, " << all.refused << " tried again");
  }
  BOOST_TEST(test::open_descriptors() == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

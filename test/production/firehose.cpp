// SPDX-License-Identifier: BSL-1.0
// One channel that would take all the time there is, and peers that do not read or do not answer.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"
#include "../support/virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <tuple>

namespace {

using namespace std::chrono_literals;
using clock = test::virtual_clock;

/// Every poller.
using places = std::tuple<
#if ASYNCORE_HAS_EPOLL
    test::place<asyncore::epoll_poller, test::dense, true>,
#endif
    test::place<asyncore::poll_poller, test::hashed, false>,
    test::place<asyncore::select_poller, test::dense, true>>;

// A socket that takes everything.
struct swallowing_system : asyncore::posix_system {
  static std::ptrdiff_t sendmsg(int, std::span<const iovec> pieces) noexcept {
    std::ptrdiff_t all = 0;
    for (const iovec& each : pieces) all += static_cast<std::ptrdiff_t>(each.iov_len);
    sent += all;
    return all;
  }
  static std::ptrdiff_t send(int, std::span<const std::byte> bytes, int = 0) noexcept {
    sent += static_cast<std::ptrdiff_t>(bytes.size());
    return static_cast<std::ptrdiff_t>(bytes.size());
  }
  static inline std::ptrdiff_t sent = 0;
};
template <class Poller>
struct swallowing_poller : Poller {
  using system = swallowing_system;
};
template <class Place>
using swallowing = test::place<swallowing_poller<typename Place::poller>, typename Place::map_kind,
                               Place::closed>;

template <class Place>
struct hose;
template <class Place>
using hose_loop = typename Place::template loop<hose<Place>>;
template <class Place>
struct hose : asyncore::dispatcher_with_send<hose<Place>, hose_loop<Place>>,
              asyncore::deadline<hose<Place>, hose_loop<Place>> {
  explicit hose(hose_loop<Place>& loop) : hose::dispatcher_with_send(loop) {}
  hose(hose_loop<Place>& loop, test::unique_fd fd)
      : hose::dispatcher_with_send(loop, asyncore::socket(std::move(fd))) {}
  void handle_data(std::span<const std::byte>) { ++reads; }
  void handle_connect() { this->clear_deadline(); }
  // No progress since the last time: it does not read.
  void handle_timeout() {
    if (this->queued() == left) return this->abort();
    left = this->queued();
    this->set_deadline(10s);
  }
  std::size_t left = 0;
  int reads = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(firehose)

// However much one channel has to send and however fast its peer is, others have their turns.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_firehose_has_a_budget, Place, places) {
  using at = swallowing<Place>;
  hose_loop<at> loop;
  test::ends one = test::socket_pair(), two = test::socket_pair();
  auto& big = loop.template emplace<hose<at>>(std::move(one.near));
  auto& small = loop.template emplace<hose<at>>(std::move(two.near));
  swallowing_system::sent = 0;
  loop.call_later(0s, [&] { big.send(std::string(8 << 20, 'x')); });
  test::turn(loop);
  BOOST_TEST(swallowing_system::sent <= std::ptrdiff_t{128} << 10);
  for (int turn = 1; big.queued() > 0 && turn < 1000; ++turn) {
    const auto before = swallowing_system::sent;
    test::put(two.far, "x");
    test::turn(loop);
    BOOST_TEST(small.reads == turn);
    BOOST_TEST(swallowing_system::sent - before <= std::ptrdiff_t{128} << 10);
  }
  BOOST_TEST(swallowing_system::sent == std::ptrdiff_t{8} << 20);
  // Asked for it, it sends all that the socket takes.
  big.send(std::string(8 << 20, 'x'));
  BOOST_TEST(big.queued() == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_peer_that_never_reads_is_dropped, Place, places) {
  using at = test::timeless<Place>;
  clock::reset();
  hose_loop<at> loop;
  test::ends idle = test::tcp_pair(), slow = test::tcp_pair();
  test::limit_buffers(idle);
  test::limit_buffers(slow);
  auto& first = loop.template emplace<hose<at>>(std::move(idle.near));
  auto& second = loop.template emplace<hose<at>>(std::move(slow.near));
  first.send(std::string(3'000'000, 'x'));
  second.send(std::string(3'000'000, 'x'));
  first.set_deadline(10s);
  second.set_deadline(10s);
  std::size_t got = 0;
  loop.call_every(1s, [&] { got += test::take(slow.far).size(); });
  for (int left = 10'000; left > 0 && loop.size() > 1; --left) loop.poll({});
  // The first look and the second, and more while the kernel still takes something.
  BOOST_CHECK(clock::passed() >= 20s && clock::passed() <= 100s);
  BOOST_CHECK(clock::passed() % 10s == 0s);
  BOOST_TEST(test::at_end(idle.far));
  BOOST_TEST(got > 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_connect_has_its_time, Place, places) {
  using at = test::timeless<Place>;
  clock::reset();
  hose_loop<at> loop;
  const auto deaf = test::tcp_listener(0);
  const auto where = test::name_of(deaf.get());
  for (int i = 0; i < 5; ++i) {  // the first of them fill the backlog
    auto& channel = loop.template emplace<hose<at>>();
    channel.create_socket();
    channel.connect(where);
    channel.set_deadline(3s);
  }
  for (int left = 1000; left > 0 && clock::passed() < 3s; --left) loop.poll({});
  test::turn(loop, 3);
  BOOST_CHECK(clock::passed() == 3s);
  BOOST_TEST(loop.size() < 5u);
  BOOST_TEST(loop.size() > 0u);
}

BOOST_AUTO_TEST_SUITE_END()

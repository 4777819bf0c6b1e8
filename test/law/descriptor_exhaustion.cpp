// SPDX-License-Identifier: BSL-1.0
// Laws 4 and 10 when there is no descriptor for a connection that waits: established connections
// are served, the loop does not spin, and accepting resumes by itself.
#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <chrono>
#include <string>
#include <vector>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/faulty_system.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

namespace {

using namespace std::chrono_literals;

template <class Place>
struct listener;
template <class Place>
struct connection;
template <class Place>
using server_loop = typename Place::template loop<listener<Place>, connection<Place>>;
template <class Place>
struct connection : asyncore::dispatcher_with_send<connection<Place>, server_loop<Place>> {
  using asyncore::dispatcher_with_send<connection, server_loop<Place>>::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data) { this->send(data); }
};
template <class Place>
struct listener : asyncore::dispatcher<listener<Place>, server_loop<Place>> {
  explicit listener(server_loop<Place>& loop)
      : asyncore::dispatcher<listener, server_loop<Place>>(loop) {
    this->create_socket();
    this->bind(asyncore::endpoint::parse("127.0.0.1:0"));
    this->listen();
  }
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    accepted.push_back(&this->loop().template emplace<connection<Place>>(std::move(peer)));
  }
  void log(std::string_view) { ++logged; }
  void handle_error() { ++errors; }
  static constexpr std::string_view ignore_log_types[] = {"nothing"};

  std::vector<connection<Place>*> accepted;
  int logged = 0;
  int errors = 0;
};

// While it lives, no descriptor is free, except what `give_back` frees.
class exhaustion {
 public:
  exhaustion() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low = before_;
    low.rlim_cur = 200;
    BOOST_REQUIRE_EQUAL(::setrlimit(RLIMIT_NOFILE, &low), 0);
    for (int fd; (fd = ::fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0;) taken_.emplace_back(fd);
    BOOST_CHECK_EQUAL(errno, EMFILE);
  }
  exhaustion(const exhaustion&) = delete;
  ~exhaustion() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  void give_back(std::size_t count) { taken_.resize(taken_.size() - count); }

 private:
  rlimit before_{};
  std::vector<test::unique_fd> taken_;
};

template <class P>
struct scene {
  using place = P;

  bool echoes(const test::unique_fd& client) {
    test::put(client, "echo");
    std::string got;
    return test::turn_until(loop, [&] { return (got += test::take(client)) == "echo"; });
  }

  // The loop is quiet for as long as a listener pauses, and then tries again, once.
  void check_quiet() {
    const std::size_t reports = counts.reports;
    const int logged = server.logged;
    test::turn(loop, 200);
    BOOST_CHECK_LE(counts.reports - reports, 2u);
    BOOST_CHECK_LE(server.logged - logged, 2);
    counts.timeouts.clear();
    loop.poll(10s);
    BOOST_REQUIRE(!counts.timeouts.empty());
    BOOST_CHECK(counts.timeouts.front() > 0ns);
    BOOST_CHECK(counts.timeouts.front() <= loop.exhaustion_pause);
    BOOST_CHECK_EQUAL(server.errors, 0);
  }

  test::poller_counts counts;
  server_loop<place> loop{counts};
  listener<place> server{loop};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(descriptor_exhaustion)

BOOST_AUTO_TEST_CASE_TEMPLATE(of_the_process, Place, test::matrix) {
  scene<test::counted<Place>> s;
  const auto established = test::connected_to(s.server.local_addr());
  BOOST_CHECK(s.echoes(established));
  std::vector<test::unique_fd> waiting;
  while (waiting.size() < 5) waiting.push_back(test::connected_to(s.server.local_addr()));
  exhaustion none;
  test::turn(s.loop);
  s.check_quiet();
  BOOST_CHECK(s.echoes(established));
  BOOST_CHECK_EQUAL(s.server.accepted.size(), 1u);

  // Freed outside of the loop, which looks again by itself.
  none.give_back(2);
  const auto start = std::chrono::steady_clock::now();
  while (s.server.accepted.size() < 3 && std::chrono::steady_clock::now() - start < 5s)
    s.loop.poll(10s);
  BOOST_CHECK(std::chrono::steady_clock::now() - start < 5s);
  BOOST_CHECK_EQUAL(s.server.accepted.size(), 3u);
  BOOST_CHECK(s.echoes(waiting[0]));
  BOOST_CHECK(s.echoes(waiting[1]));
  s.check_quiet();

  // Freed by a channel of the loop: no pause is due.
  s.server.accepted[0]->close();
  test::turn(s.loop, 3);
  BOOST_CHECK_EQUAL(s.server.accepted.size(), 4u);
  BOOST_CHECK(test::at_end(established));

  none.give_back(3);
  for (const auto& client : waiting) BOOST_CHECK(s.echoes(client));
  BOOST_CHECK_EQUAL(s.server.errors, 0);
}

// Of the system, of buffers, of memory.
BOOST_AUTO_TEST_CASE_TEMPLATE(of_the_system, Place, test::matrix) {
  for (const int error : {ENFILE, ENOMEM}) {
    scene<test::faulty<test::counted<Place>>> s;
    const auto waiting = test::connected_to(s.server.local_addr());
    test::faults::accept.assign(2, -error);
    test::turn(s.loop);
    s.check_quiet();
    BOOST_CHECK(test::turn_until(s.loop, [&] { return s.server.accepted.size() == 1; }));
    BOOST_CHECK(s.echoes(waiting));
    BOOST_CHECK(test::faults::accept.empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

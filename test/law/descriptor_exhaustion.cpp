// SPDX-License-Identifier: BSL-1.0
// Laws 4 and 10 when there is no descriptor for a connection that waits: established connections
// are served, the loop does not spin, and accepting resumes by itself.
#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <chrono>
#include <vector>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/faulty_system.hpp"
#include "../support/matrix.hpp"
#include "../support/servers.hpp"
#include "../support/turns.hpp"

namespace {

using namespace std::chrono_literals;

// While it lives, no descriptor is free, except what `give_back` frees.
class exhaustion {
 public:
  exhaustion() {
    int fd = 0;
    while ((fd = test::sys().dup(any_.get())) >= 0) taken_.push_back(test::own(fd));
    BOOST_CHECK_EQUAL(fd, -EMFILE);
  }
  exhaustion(const exhaustion&) = delete;

  void give_back(std::size_t count) { taken_.resize(taken_.size() - count); }

 private:
  test::kernel::limit_descriptors limit_{200};
  test::unique_fd any_ = test::file_of("");
  std::vector<test::unique_fd> taken_;
};

template <class Place>
struct scene {
  bool echoes(const test::unique_fd& client) { return test::echoes(loop, client); }

  // The loop is quiet for as long as a listener pauses, and then tries again, once.
  void check_quiet() {
    const std::size_t reports = counts.reports;
    const std::size_t logged = what.logged.size();
    test::turn(loop, 200);
    BOOST_CHECK_LE(counts.reports - reports, 2u);
    BOOST_CHECK_LE(what.logged.size() - logged, 2u);
    counts.timeouts.clear();
    loop.poll(10s);
    BOOST_REQUIRE(!counts.timeouts.empty());
    BOOST_CHECK(counts.timeouts.front() > 0ns);
    BOOST_CHECK(counts.timeouts.front() <= loop.exhaustion_pause);
    BOOST_CHECK_EQUAL(what.errors, 0);
  }

  test::poller_counts counts;
  test::served<Place> what;
  test::server_loop<Place> loop{counts};
  test::server<Place> server{loop, what};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(descriptor_exhaustion, test::world, *boost::unit_test::label("native"))

BOOST_AUTO_TEST_CASE_TEMPLATE(of_the_process, Place, test::matrix) {
  scene<test::counted<Place>> s;
  const auto established = test::connected_to(s.server.local_addr());
  BOOST_CHECK(s.echoes(established));
  const auto waiting = test::clients(s.server.local_addr(), 5);
  exhaustion none;
  test::turn(s.loop);
  s.check_quiet();
  BOOST_CHECK(s.echoes(established));
  BOOST_CHECK_EQUAL(s.what.accepted.size(), 1u);

  // Freed outside of the loop, which looks again by itself.
  none.give_back(2);
  const auto start = test::sys().now();
  while (s.what.accepted.size() < 3 && test::sys().now() - start < 5s)
    s.loop.poll(10s);
  BOOST_CHECK(test::sys().now() - start < 5s);
  BOOST_CHECK_EQUAL(s.what.accepted.size(), 3u);
  BOOST_CHECK(s.echoes(waiting[0]));
  BOOST_CHECK(s.echoes(waiting[1]));
  s.check_quiet();

  // Freed by a channel of the loop: no pause is due.
  s.what.accepted[0]->close();
  test::turn(s.loop, 3);
  BOOST_CHECK_EQUAL(s.what.accepted.size(), 4u);
  BOOST_CHECK(test::at_end(established));

  none.give_back(3);
  for (const auto& client : waiting) BOOST_CHECK(s.echoes(client));
  BOOST_CHECK_EQUAL(s.what.errors, 0);
}

// Of the system, of buffers, of memory.
BOOST_AUTO_TEST_CASE_TEMPLATE(of_the_system, Place, test::matrix) {
  for (const int error : {ENFILE, ENOMEM}) {
    scene<test::faulty<test::counted<Place>>> s;
    const auto waiting = test::connected_to(s.server.local_addr());
    test::faults::accept.assign(2, -error);
    test::turn(s.loop);
    s.check_quiet();
    BOOST_CHECK(test::turn_until(s.loop, [&] { return s.what.accepted.size() == 1; }));
    BOOST_CHECK(s.echoes(waiting));
    BOOST_CHECK(test::faults::accept.empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

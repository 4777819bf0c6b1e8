// SPDX-License-Identifier: BSL-1.0
// A kernel that is short of memory refuses a send and calls the socket writable: no byte is lost, no
// channel ends, and the loop does not spin until it is over.
#include <boost/test/unit_test.hpp>

#include <asyncore/timers.hpp>

#include <cerrno>
#include <string>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/faulty_system.hpp"
#include "../support/matrix.hpp"
#include "../support/readers.hpp"
#include "../support/turns.hpp"

namespace {

BOOST_FIXTURE_TEST_SUITE(short_of_memory, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_sent_waits, Place, test::matrix) {
  using place = test::counted<test::faulty<Place>>;
  for (const int error : {ENOBUFS, ENOMEM})
    for (const bool leaves : {false, true}) {
      test::poller_counts counts;
      test::reader_loop<place> loop(counts);
      test::heard what;
      test::ends pair = test::socket_pair();
      test::data_reader<place, test::asks::never> one(loop, what, std::move(pair.near));
      test::put(pair.far, "warm");
      test::turn(loop);
      what.on_data = [&] {
        one.send("answer");
        if (leaves) one.close_when_done();
      };
      test::faults::send = {-error, -error};
      test::put(pair.far, "question");
      test::turn(loop);
      const std::size_t reports = counts.reports;
      test::turn(loop, 20);
      BOOST_TEST(counts.reports == reports);
      BOOST_TEST(one.queued() == 6u);
      BOOST_TEST(test::turn_until(loop, [&] { return one.queued() == 0; }));
      BOOST_TEST(test::take(pair.far) == "answer");
      BOOST_TEST(what.errors + what.closes == 0);
      BOOST_TEST(one.registered());
      test::faults::send.clear();
    }
}

// So much leaves while the hook still runs.
BOOST_AUTO_TEST_CASE_TEMPLATE(much_that_is_sent_in_a_hook_waits, Place, test::matrix) {
  using place = test::faulty<Place>;
  for (const int error : {ENOBUFS, ENOMEM})
    for (const bool reads : {true, false}) {
      test::reader_loop<place> loop;
      test::heard what;
      test::ends pair = test::socket_pair();
      test::data_reader<place, test::asks::never> one(loop, what, std::move(pair.near));
      const std::string pieces[] = {std::string(10'000, 'a'), std::string(10'000, 'b'),
                                    std::string(90'000, 'c'), std::string(10'000, 'd')};
      const auto answer = [&] {
        test::faults::send = {-error};
        for (const std::string& each : pieces) one.send(each);
      };
      if (reads) {
        what.on_data = answer;
        test::put(pair.far, "question");
      } else {
        loop.call_later(std::chrono::nanoseconds(0), answer);
      }
      std::string got, all;
      for (const std::string& each : pieces) all += each;
      BOOST_TEST(test::turn_until(loop, [&] {
        got += test::take(pair.far);
        return got.size() >= all.size();
      }));
      BOOST_CHECK(got == all);
      BOOST_TEST(test::faults::send.empty());
      BOOST_TEST(what.errors + what.closes == 0);
      test::faults::send.clear();
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_to_be_read_waits, Place, test::matrix) {
  using place = test::counted<test::faulty<Place>>;
  for (const int error : {ENOBUFS, ENOMEM}) {
    test::poller_counts counts;
    test::reader_loop<place> loop(counts);
    test::heard what;
    test::ends pair = test::socket_pair();
    test::data_reader<place, test::asks::never> one(loop, what, std::move(pair.near));
    test::put(pair.far, "warm");
    test::turn(loop);
    what.bytes.clear();
    test::faults::recv = {-error, -error};
    test::put(pair.far, "question");
    test::turn(loop);
    const std::size_t reports = counts.reports;
    test::turn(loop, 20);
    BOOST_TEST(counts.reports == reports);
    BOOST_TEST(what.bytes == "");
    BOOST_TEST(test::turn_until(loop, [&] { return what.bytes == "question"; }));
    BOOST_TEST(what.errors + what.closes == 0);
    BOOST_TEST(one.registered());
    test::faults::recv.clear();
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

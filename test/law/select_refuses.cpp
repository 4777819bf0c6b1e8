// SPDX-License-Identifier: BSL-1.0
// Law 8: select refuses an fd at or above FD_SETSIZE with a clear error, and nothing is written out
// of bounds. The other pollers have no such limit.
#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/readers.hpp"
#include "../support/servers.hpp"
#include "../support/turns.hpp"

namespace {

using asyncore::interest;
using asyncore::readiness;
using asyncore::select_poller;
using asyncore::token;
using test::asks;
using test::ends;
using test::heard;

template <class P>
using plain = test::data_reader<P, asks::never>;

// Raises the limit on descriptors so that there are numbers above FD_SETSIZE.
struct with_high_numbers : test::world {
  with_high_numbers() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < FD_SETSIZE + 64) {
      limit.rlim_cur = std::min<rlim_t>(FD_SETSIZE + 64, limit.rlim_max);
      ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    BOOST_REQUIRE_GE(limit.rlim_cur, FD_SETSIZE + 64);
  }
};

// A pair whose near end has this number or the next free one above.
ends high_pair(int number = FD_SETSIZE) {
  ends pair = test::socket_pair();
  pair.near = test::copy_of(pair.near.get(), number);
  return pair;
}

template <class Place>
constexpr bool by_select = requires { Place::poller::fd_limit; };

// Takes all numbers below FD_SETSIZE that are free.
struct low_numbers_taken {
  low_numbers_taken() {
    while (taken.empty() || taken.back().get() < FD_SETSIZE)
      taken.push_back(test::copy_of(any.get()));
    BOOST_REQUIRE_GE(taken.back().get(), FD_SETSIZE);
    taken.pop_back();
  }
  test::unique_fd any = test::file_of("");
  std::vector<test::unique_fd> taken;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(select_refuses, with_high_numbers)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_high_descriptor, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard low, high;
  ends low_pair = test::socket_pair();
  ends pair = high_pair();
  plain<Place> below(loop, low, std::move(low_pair.near));
  plain<Place> above(loop, high);
  const int number = pair.near.get();
  std::error_code failed;
  above.set_socket(asyncore::socket(std::move(pair.near)), failed);
  if (by_select<Place>) {
    BOOST_CHECK(failed == std::errc::value_too_large);
    BOOST_CHECK_EQUAL(loop.size(), 1u);
    BOOST_CHECK(!test::is_open(number));  // it was the channel's to close
    BOOST_CHECK(test::at_end(pair.far));
  } else {
    BOOST_CHECK(!failed);
    test::put(pair.far, "above");
  }
  test::put(low_pair.far, "below");
  test::turn(loop, 2);
  BOOST_CHECK_EQUAL(low.bytes, "below");
  BOOST_CHECK_EQUAL(high.bytes, by_select<Place> ? "" : "above");
  BOOST_CHECK_EQUAL(high.hooks, by_select<Place> ? 0 : 1);
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE_TEMPLATE(the_error_is_clear, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard what;
  ends pair = high_pair();
  const std::string number = std::to_string(pair.near.get());
  const auto clear = [&](const std::system_error& e) {
    return e.code() == std::errc::value_too_large &&
           std::strstr(e.what(), number.c_str()) != nullptr;
  };
  if (by_select<Place>) {
    BOOST_CHECK_EXCEPTION(
        loop.template emplace<plain<Place>>(what, std::move(pair.near)), std::system_error, clear);
  } else {
    BOOST_CHECK_NO_THROW(loop.template emplace<plain<Place>>(what, std::move(pair.near)));
  }
  BOOST_CHECK_EQUAL(loop.size(), by_select<Place> ? 0u : 1u);
}
#endif

// The last number that fits.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_last_one_below, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard what;
  ends pair = high_pair(FD_SETSIZE - 1);
  BOOST_REQUIRE_EQUAL(pair.near.get(), FD_SETSIZE - 1);
  plain<Place> reader(loop, what, std::move(pair.near));
  test::put(pair.far, "x");
  test::turn(loop);
  BOOST_CHECK_EQUAL(what.bytes, "x");
  const std::string much(1'000'000, 'y');
  reader.send(much);
  std::string got;
  BOOST_CHECK(test::turn_until(loop, [&] { return (got += test::take(pair.far)) == much; }));
}

// A connection that gets too high a number is closed at once; the server goes on.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_connection_with_a_high_number, Place, test::matrix) {
  test::served<Place> what;
  test::server_loop<Place> loop;
  test::server<Place> listener(loop, what);
  const auto first = test::connected_to(listener.local_addr());
  BOOST_CHECK(test::echoes(loop, first));
  const auto second = test::connected_to(listener.local_addr());
  {
    const low_numbers_taken taken;
    if (by_select<Place>) {
      BOOST_CHECK(test::turn_until(loop, [&] { return !what.logged.empty(); }));
      BOOST_CHECK(what.logged[0].find("error: accept: ") == 0);
      BOOST_CHECK(test::at_end(second));
    } else {
      BOOST_CHECK(test::turn_until(loop, [&] { return loop.size() == 3; }));
    }
  }
  const auto third = test::connected_to(listener.local_addr());
  BOOST_CHECK(test::echoes(loop, first));
  BOOST_CHECK(test::echoes(loop, third));
  BOOST_CHECK_EQUAL(what.errors, 0);
}

#if !defined(TEST_SIMULATED)
// The poller itself, whatever it is told: its other descriptors are not disturbed.
BOOST_AUTO_TEST_CASE(the_poller_alone) {
  const auto poller = std::make_unique<select_poller>();
  const ends pair = test::socket_pair();
  const token own{pair.near.get(), 7};
  BOOST_CHECK(!poller->add(own, interest::read));
  for (const int number : {-1, FD_SETSIZE, FD_SETSIZE + 1, 5000, 1 << 30}) {
    const token t{number, 1};
    const interest all = interest::read | interest::write | interest::expt;
    BOOST_CHECK(poller->add(t, all) == std::errc::value_too_large);
    BOOST_CHECK(poller->modify(t, all) == std::errc::value_too_large);
    poller->remove(t);
  }
  const auto count = [&] {
    int reports = 0;
    const int n = poller->wait(std::chrono::nanoseconds(0), [&](token t, readiness ready) {
      BOOST_CHECK(t == own);
      BOOST_CHECK(ready == readiness::read);
      ++reports;
    });
    BOOST_CHECK_EQUAL(n, reports);
    return n;
  };
  BOOST_CHECK_EQUAL(count(), 0);
  test::put(pair.far, "x");
  BOOST_CHECK_EQUAL(count(), 1);
}
#endif

BOOST_AUTO_TEST_SUITE_END()

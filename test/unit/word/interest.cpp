// SPDX-License-Identifier: BSL-1.0
#include <asyncore/word/interest.hpp>

#include <boost/test/unit_test.hpp>

#include <poll.h>

#include <initializer_list>

namespace {

using asyncore::any;
using asyncore::interest;
using asyncore::readiness;

// Pollers pass the bits on as they are.
static_assert(static_cast<int>(interest::read) == POLLIN);
static_assert(static_cast<int>(interest::expt) == POLLPRI);
static_assert(static_cast<int>(interest::write) == POLLOUT);
static_assert(static_cast<int>(readiness::read) == POLLIN);
static_assert(static_cast<int>(readiness::expt) == POLLPRI);
static_assert(static_cast<int>(readiness::write) == POLLOUT);
static_assert(static_cast<int>(readiness::error) == POLLERR);
static_assert(static_cast<int>(readiness::hangup) == POLLHUP);

static_assert(sizeof(interest) == 1 && sizeof(readiness) == 1);

template <class Set>
void check_sets(unsigned bits) {
  for (unsigned a = 0; a <= bits; ++a) {
    for (unsigned b = 0; b <= bits; ++b) {
      const auto x = static_cast<Set>(a), y = static_cast<Set>(b);
      BOOST_TEST(((x | y) == static_cast<Set>(a | b)));
      BOOST_TEST(((x & y) == static_cast<Set>(a & b)));
      BOOST_TEST(any(x, y) == ((a & b) != 0));
      Set z = x;
      z |= y;
      BOOST_TEST((z == (x | y)));
    }
  }
}

BOOST_AUTO_TEST_SUITE(interest_and_readiness)

BOOST_AUTO_TEST_CASE(are_sets_of_bits) {
  check_sets<interest>(7);
  check_sets<readiness>(31);
}

BOOST_AUTO_TEST_CASE(nothing_is_in_none) {
  for (const interest i : {interest::none, interest::read, interest::expt, interest::write})
    BOOST_TEST(!any(i, interest::none));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

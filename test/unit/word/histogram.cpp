// SPDX-License-Identifier: BSL-1.0
#include <asyncore/word/histogram.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace {

using asyncore::histogram;
using std::chrono::nanoseconds;

BOOST_AUTO_TEST_SUITE(histograms)

BOOST_AUTO_TEST_CASE(are_empty_at_first) {
  const histogram h;
  BOOST_TEST(h.count() == 0u);
  BOOST_TEST(h.quantile(0.5).count() == 0);
  BOOST_TEST(h.max().count() == 0);
}

// Against a sorted list: never below, and at most an eighth above.
BOOST_AUTO_TEST_CASE(know_quantiles_to_an_eighth) {
  std::mt19937_64 random(1);
  for (const double scale : {10.0, 1e3, 1e6, 1e11}) {
    histogram h;
    std::vector<std::int64_t> all;
    std::int64_t sum = 0;
    std::exponential_distribution<double> draw(1 / scale);
    for (int i = 0; i < 5000; ++i) {
      all.push_back(static_cast<std::int64_t>(draw(random)));
      sum += all.back();
      h.record(nanoseconds(all.back()));
    }
    std::sort(all.begin(), all.end());
    BOOST_TEST(h.count() == all.size());
    BOOST_TEST(h.sum().count() == sum);
    BOOST_TEST(h.max().count() == all.back());
    for (const double share : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(share * 5000)));
      const std::int64_t exact = all[rank - 1], said = h.quantile(share).count();
      BOOST_TEST(said >= exact);
      BOOST_TEST(said <= exact + exact / 8);
    }
    for (unsigned power = 3; power <= 40; ++power) {
      const auto below = std::lower_bound(all.begin(), all.end(), std::int64_t{1} << power);
      BOOST_TEST(h.shorter_than_power(power) ==
                 static_cast<std::uint64_t>(below - all.begin()));
    }
  }
}

BOOST_AUTO_TEST_CASE(take_what_is_out_of_range) {
  histogram h;
  h.record(nanoseconds(-5));
  BOOST_TEST(h.quantile(1).count() == 0);
  h.record(nanoseconds(1000));  // its bucket reaches to 1023
  BOOST_TEST(h.quantile(1).count() == 1000);
  h.record(std::chrono::hours(100));
  BOOST_TEST(h.count() == 3u);
  BOOST_TEST((h.max() == std::chrono::hours(100)));
  BOOST_TEST(h.shorter_than_power(40) == 3u);
  BOOST_TEST(h.quantile(0.3).count() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

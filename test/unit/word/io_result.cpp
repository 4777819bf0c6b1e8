// SPDX-License-Identifier: BSL-1.0
#include <asyncore/word/io_result.hpp>

#include <boost/test/unit_test.hpp>

#include <limits>
#include <vector>

namespace {

using asyncore::io_result;

BOOST_AUTO_TEST_SUITE(io_results)

BOOST_AUTO_TEST_CASE(of_bytes) {
  for (const std::ptrdiff_t n :
       {std::ptrdiff_t{0}, std::ptrdiff_t{1}, std::numeric_limits<std::ptrdiff_t>::max()}) {
    const io_result result(n);
    BOOST_TEST(result.ok());
    BOOST_TEST(static_cast<bool>(result));
    BOOST_TEST(result.bytes() == static_cast<std::size_t>(n));
  }
}

BOOST_AUTO_TEST_CASE(of_a_call_that_would_block) {
  for (const int code : {EAGAIN, EWOULDBLOCK}) {
    const io_result result(-code);
    BOOST_TEST(result.would_block());
    BOOST_TEST(!result);
    BOOST_TEST(result.bytes() == 0u);
    BOOST_TEST(!result.error());
  }
}

BOOST_AUTO_TEST_CASE(of_the_end) {
  const io_result result = io_result::end();
  BOOST_TEST(result.closed());
  BOOST_TEST(!result);
  BOOST_TEST(result.bytes() == 0u);
  BOOST_TEST(!result.error());
}

BOOST_AUTO_TEST_CASE(of_an_error) {
  const io_result result(-ECONNREFUSED);
  BOOST_TEST(!result);
  BOOST_TEST(result.bytes() == 0u);
  BOOST_TEST((result.error() == std::errc::connection_refused));
  BOOST_TEST((result.error().category() == std::system_category()));
}

BOOST_AUTO_TEST_CASE(are_one_thing_each) {
  std::vector<io_result> all = {io_result::end()};
  for (std::ptrdiff_t value = -4095; value <= 4096; ++value) all.emplace_back(value);
  for (const io_result& result : all) {
    const int outcomes = result.ok() + result.would_block() + result.closed() +
                         static_cast<bool>(result.error());
    BOOST_REQUIRE_EQUAL(outcomes, 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

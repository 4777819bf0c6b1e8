// SPDX-License-Identifier: BSL-1.0
// Two units that include the library and share loops and channels: they link, and they agree.
#include "mixed.hpp"
#include "shared.hpp"

#include <boost/test/unit_test.hpp>

#include <utility>

#include "../support/descriptors.hpp"

namespace two_units {

void asker::handle_data(std::span<const std::byte> data) {
  answer += asyncore::as_text(data);
  loop().close_all();
}

namespace {

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(share_a_closed_loop) {
  loop_type loop;
  test::ends pair = test::socket_pair();
  asker one(loop, asyncore::socket(std::move(pair.near)));
  emplace_in_the_other_unit(loop, asyncore::socket(std::move(pair.far)));
  BOOST_TEST(loop.size() == 2u);
  one.send("a question");
  run_in_the_other_unit(loop);
  BOOST_TEST(one.answer == "got a question");
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE(share_the_default_loop) {
  asyncore::default_loop& loop = asyncore::this_thread_loop();
  BOOST_TEST(&loop == &default_loop_of_the_other_unit());
  const test::ends pipe = test::pipe_to_near();
  int count = 0;
  {
    const counter channel(pipe.near.get(), count);
    test::put(pipe.far, "x");
    default_loop_of_the_other_unit().poll(std::chrono::milliseconds(test::patience));
  }
  BOOST_TEST(count == 1);
  BOOST_TEST(loop.empty());
}

// The constant table of an open set is one object.
BOOST_AUTO_TEST_CASE(name_a_type_alike) {
  BOOST_TEST((asyncore::channel_access::core_of<asyncore::default_loop>::type_of<counter>() == type_in_the_other_unit()));
}

// They are laid out in two ways, and neither unit gets the other's code.
BOOST_AUTO_TEST_CASE(with_and_without_checks_have_loops_of_their_own) {
  BOOST_TEST(loop_with_checks() != loop_without_checks());
  BOOST_TEST(&asyncore::this_thread_loop() ==
             (ASYNCORE_DEBUG != 0 ? loop_with_checks() : loop_without_checks()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace two_units

// SPDX-License-Identifier: BSL-1.0
#include <asyncore/buffer/cork.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <vector>

namespace {

using asyncore::as_text;
using asyncore::bytes_view;
using asyncore::send_stage;

const std::span<const std::byte> nobody;

BOOST_AUTO_TEST_SUITE(send_stages)

BOOST_AUTO_TEST_CASE(belong_to_one_at_a_time) {
  send_stage stage;
  const int first = 0, second = 0;
  BOOST_TEST(!stage.belongs_to(&first));
  stage.open(&first);
  stage.open(&second);
  BOOST_TEST(stage.belongs_to(&first));
  BOOST_TEST(!stage.belongs_to(&second));
  stage.take();
  BOOST_TEST(!stage.belongs_to(&first));
  stage.open(&second);
  BOOST_TEST(stage.belongs_to(&second));
}

BOOST_AUTO_TEST_CASE(gather_bytes) {
  send_stage stage;
  const int owner = 0;
  stage.open(&owner);
  BOOST_TEST(stage.append("one ", nobody));
  BOOST_TEST(stage.append("", nobody));
  BOOST_TEST(stage.append("two", nobody));
  BOOST_TEST(stage.size() == 7u);
  BOOST_TEST(as_text(stage.take()) == "one two");
  BOOST_TEST(stage.size() == 0u);
  stage.open(&owner);
  BOOST_TEST(stage.append("again", nobody));
  BOOST_TEST(as_text(stage.take()) == "again");
}

BOOST_AUTO_TEST_CASE(have_bounded_room) {
  send_stage stage;
  const int owner = 0;
  stage.open(&owner);
  const std::string most(send_stage::capacity - 1, 'x');
  BOOST_TEST(stage.append(most, nobody));
  BOOST_TEST(!stage.append("ab", nobody));
  BOOST_TEST(stage.append("a", nobody));
  BOOST_TEST(!stage.append("b", nobody));
  BOOST_TEST((as_text(stage.take()) == most + "a"));
}

BOOST_AUTO_TEST_CASE(do_not_copy_what_is_lent) {
  send_stage stage;
  const int owner = 0;
  const std::string buffer = "lent bytes";
  const bytes_view lender = buffer;
  stage.open(&owner);
  BOOST_TEST(stage.append(lender.drop(5), lender));
  const bytes_view all = stage.take();
  BOOST_TEST(all.data() == lender.data() + 5);
  BOOST_TEST(as_text(all) == "bytes");
}

BOOST_AUTO_TEST_CASE(copy_what_was_lent_when_more_comes) {
  send_stage stage;
  const int owner = 0;
  const std::string buffer = "lent";
  stage.open(&owner);
  BOOST_TEST(stage.append(buffer, bytes_view(buffer)));
  BOOST_TEST(stage.append(buffer, bytes_view(buffer)));
  BOOST_TEST(stage.append("!", bytes_view(buffer)));
  BOOST_TEST(as_text(stage.take()) == "lentlent!");
}

BOOST_AUTO_TEST_CASE(belong_to_nobody_when_they_were_given_up) {
  send_stage stage;
  const int first = 0, second = 0;
  stage.open(&first);
  BOOST_TEST(stage.append("bytes", nobody));
  BOOST_TEST(as_text(stage.give_up()) == "bytes");
  BOOST_TEST(!stage.belongs_to(&first));
  BOOST_TEST(stage.size() == 0u);
  BOOST_TEST(!stage.open(&second));
  BOOST_TEST(stage.is_open());
  stage.close();
  BOOST_TEST(!stage.is_open());
  BOOST_TEST(stage.open(&second));
  BOOST_TEST(as_text(stage.take()) == "");
}

BOOST_AUTO_TEST_CASE(agree_with_a_string) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    send_stage stage;
    const int owner = 0;
    std::vector<char> lender(1'000);
    for (char& c : lender) c = static_cast<char>(random());
    std::string model;
    for (int step = 0; step < 400; ++step) {
      stage.open(&owner);
      const std::size_t at = random() % lender.size();
      const bytes_view piece(lender.data() + at, random() % (lender.size() - at + 1));
      const bool lent = random() % 2 == 0;
      if (stage.append(piece, lent ? std::span<const std::byte>(bytes_view(lender)) : nobody))
        model += as_text(piece);
      else
        BOOST_REQUIRE_GT(model.size() + piece.size(), send_stage::capacity);
      BOOST_REQUIRE_EQUAL(stage.size(), model.size());
      if (random() % 120 == 0) {
        BOOST_REQUIRE(as_text(stage.take()) == model);
        model.clear();
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
#include <asyncore/chat/producer.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

using asyncore::simple_producer;

std::vector<std::string> pieces_of(simple_producer producer) {
  std::vector<std::string> pieces;
  for (;;) {
    const asyncore::bytes_view piece = producer.more();
    if (piece.empty()) return pieces;
    pieces.emplace_back(asyncore::as_text(piece));
  }
}

using strings = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(simple_producers)

BOOST_AUTO_TEST_CASE(give_pieces) {
  BOOST_TEST(pieces_of(simple_producer("abcdefgh", 3)) == strings({"abc", "def", "gh"}));
  BOOST_TEST(pieces_of(simple_producer("abcdef", 3)) == strings({"abc", "def"}));
  BOOST_TEST(pieces_of(simple_producer("ab", 3)) == strings({"ab"}));
  BOOST_TEST(pieces_of(simple_producer("")) == strings());
}

BOOST_AUTO_TEST_CASE(give_512_bytes_by_default) {
  const auto pieces = pieces_of(simple_producer(std::string(1'100, 'x')));
  BOOST_REQUIRE_EQUAL(pieces.size(), 3u);
  BOOST_TEST(pieces[0].size() == 512u);
  BOOST_TEST(pieces[2].size() == 76u);
}

BOOST_AUTO_TEST_CASE(give_something_whatever_the_size) {
  BOOST_TEST(pieces_of(simple_producer("ab", 0)) == strings({"a", "b"}));
}

BOOST_AUTO_TEST_CASE(stay_at_their_end) {
  simple_producer producer("a");
  BOOST_TEST(producer.more().size() == 1u);
  for (int i = 0; i < 3; ++i) BOOST_TEST(producer.more().empty());
}

BOOST_AUTO_TEST_SUITE_END()

struct gives_string {
  std::string more();
};
struct gives_nothing {
  void more();
};
struct gives_number {
  int more();
};
struct wants_argument {
  std::string more(int);
};

static_assert(asyncore::producer<simple_producer>);
static_assert(asyncore::producer<gives_string>);
static_assert(!asyncore::producer<gives_nothing>);
static_assert(!asyncore::producer<gives_number>);
static_assert(!asyncore::producer<wants_argument>);
static_assert(!asyncore::producer<std::string>);
static_assert(asyncore::producer_pointer<gives_string*>);
static_assert(asyncore::producer_pointer<std::unique_ptr<gives_string>>);
static_assert(asyncore::producer_pointer<std::shared_ptr<gives_string>>);
static_assert(asyncore::producer_pointer<std::optional<gives_string>>);
static_assert(!asyncore::producer_pointer<gives_string>);
static_assert(!asyncore::producer_pointer<const char*>);

}  // namespace

// SPDX-License-Identifier: BSL-1.0
#include <asyncore/word/bytes.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using asyncore::as_text;
using asyncore::bytes_view;
using namespace std::string_literals;
using namespace std::string_view_literals;

template <class T>
constexpr bool taken = std::is_convertible_v<const T&, bytes_view>;

static_assert(taken<std::string> && taken<std::string_view> && taken<const char*>);
static_assert(taken<std::span<const std::byte>> && taken<std::span<std::byte>>);
static_assert(taken<std::span<const unsigned char>> && taken<std::span<const std::byte, 3>>);
static_assert(taken<std::vector<std::byte>> && taken<std::vector<char>>);
static_assert(taken<std::array<std::uint8_t, 4>>);

// Not bytes, not contiguous, or of another size than it looks.
static_assert(!taken<std::vector<int>> && !taken<std::wstring> && !taken<std::u16string>);
static_assert(!taken<int> && !taken<const int*> && !taken<const std::byte*>);
static_assert(!taken<std::vector<bool>>);

BOOST_AUTO_TEST_SUITE(bytes)

BOOST_AUTO_TEST_CASE(of_nothing_are_empty) {
  constexpr bytes_view none;
  BOOST_TEST(none.empty());
  BOOST_TEST(none.size() == 0u);
  BOOST_TEST(bytes_view("").empty());
  BOOST_TEST(bytes_view(std::string()).empty());
  BOOST_TEST(bytes_view(std::vector<char>()).empty());
  BOOST_TEST(as_text(none).empty());
}

BOOST_AUTO_TEST_CASE(of_a_literal_end_before_its_nul) {
  BOOST_TEST(as_text(bytes_view("hello")) == "hello");
  BOOST_TEST(as_text(bytes_view("a\0b")) == "a");
  BOOST_TEST(as_text(bytes_view("a\0b"sv)) == "a\0b"sv);
  const char buffer[16] = "text";
  BOOST_TEST(as_text(bytes_view(buffer)) == "text");
}

BOOST_AUTO_TEST_CASE(of_a_container_are_all_of_it) {
  const std::string text = "with\0nul"s;
  BOOST_TEST(as_text(bytes_view(text)) == text);
  BOOST_TEST(bytes_view(text).data() == reinterpret_cast<const std::byte*>(text.data()));

  const std::vector<std::byte> vector = {std::byte{0}, std::byte{0xff}, std::byte{'x'}};
  BOOST_TEST(as_text(bytes_view(vector)) == "\0\xffx"sv);

  const std::array<std::uint8_t, 3> array = {1, 2, 3};
  BOOST_TEST(as_text(bytes_view(array)) == "\1\2\3"sv);

  std::array<std::byte, 2> writable = {std::byte{'o'}, std::byte{'k'}};
  BOOST_TEST(as_text(bytes_view(std::span(writable))) == "ok");
}

BOOST_AUTO_TEST_CASE(of_an_address_and_a_size) {
  const int number = -1;
  const bytes_view view(&number, sizeof number);
  BOOST_TEST(view.size() == sizeof number);
  BOOST_TEST(as_text(view) == std::string(sizeof number, '\xff'));
}

BOOST_AUTO_TEST_CASE(are_a_span) {
  const std::string text = "span";
  const std::span<const std::byte> span = bytes_view(text);
  BOOST_TEST(span.size() == 4u);
  BOOST_TEST(static_cast<const void*>(span.data()) == text.data());
}

BOOST_AUTO_TEST_CASE(drop_the_first) {
  const bytes_view all = "abcdef"sv;
  for (std::size_t n = 0; n <= all.size(); ++n)
    BOOST_TEST(as_text(all.drop(n)) == "abcdef"sv.substr(n));
  BOOST_TEST(all.drop(2).drop(3).data() == all.data() + 5);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

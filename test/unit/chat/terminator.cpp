// SPDX-License-Identifier: BSL-1.0
#include <asyncore/chat/terminator.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using asyncore::bytes_view;
using asyncore::find_prefix_at_end;
using asyncore::terminator_automaton;

// All strings over two letters, so that they overlap themselves in every way.
std::vector<std::string> strings_up_to(std::size_t longest) {
  std::vector<std::string> all = {""};
  for (std::size_t first = 0, length = 0; length < longest; ++length) {
    const std::size_t end = all.size();
    for (; first < end; ++first)
      for (const char c : {'a', 'b'}) all.push_back(all[first] + c);
  }
  return all;
}

std::size_t longest_proper_prefix_at_end(std::string_view haystack, std::string_view needle) {
  std::size_t longest = 0;
  for (std::size_t n = 1; n < needle.size(); ++n)
    if (haystack.ends_with(needle.substr(0, n))) longest = n;
  return longest;
}

std::string noise(std::mt19937& random, std::size_t size) {
  std::string text(size, 'a');
  for (char& c : text) c = random() % 2 == 0 ? 'a' : 'b';
  return text;
}

// Where the automaton finds `needle` in the pieces of a stream, each time starting anew behind it.
// Checks what every single search promises.
std::vector<std::size_t> found_ends(const terminator_automaton& automaton,
                                    const std::vector<std::string>& pieces) {
  const std::string& needle = automaton.text();
  std::vector<std::size_t> ends;
  std::size_t position = 0, matched = 0;
  std::string seen;  // since the last match
  for (const std::string& piece : pieces) {
    std::span<const std::byte> left = bytes_view(piece);
    while (!left.empty()) {
      const auto [used, now] = automaton.search(left, matched);
      BOOST_REQUIRE(used > 0 && used <= left.size());
      BOOST_REQUIRE(now <= needle.size());
      BOOST_REQUIRE(now == needle.size() || used == left.size());  // every byte once
      seen += asyncore::as_text(left.first(used));
      position += used;
      left = left.subspan(used);
      matched = now;
      if (now == needle.size()) {
        BOOST_REQUIRE(seen.ends_with(needle));
        ends.push_back(position);
        matched = 0;
        seen.clear();
      } else {
        BOOST_REQUIRE_EQUAL(now, longest_proper_prefix_at_end(seen, needle));
      }
    }
  }
  return ends;
}

std::vector<std::size_t> naive_ends(std::string_view stream, std::string_view needle) {
  std::vector<std::size_t> ends;
  for (std::size_t at = 0; (at = stream.find(needle, at)) != std::string_view::npos;)
    ends.push_back(at += needle.size());
  return ends;
}

std::vector<std::string> cut(std::mt19937& random, std::string_view stream, std::size_t longest) {
  std::vector<std::string> pieces;
  while (!stream.empty()) {
    pieces.emplace_back(stream.substr(0, random() % longest + 1));
    stream.remove_prefix(pieces.back().size());
  }
  return pieces;
}

BOOST_AUTO_TEST_SUITE(prefix_at_end)

BOOST_AUTO_TEST_CASE(of_examples) {
  BOOST_TEST(find_prefix_at_end("qwerty\r", "\r\n") == 1u);
  BOOST_TEST(find_prefix_at_end("qwertydkjf", "\r\n") == 0u);
  BOOST_TEST(find_prefix_at_end("", "\r\n") == 0u);
  BOOST_TEST(find_prefix_at_end("line", "") == 0u);
  BOOST_TEST(find_prefix_at_end("line\n", "\n") == 0u);  // all of it is no proper prefix
  BOOST_TEST(find_prefix_at_end("aaa", "aaaa") == 3u);
  BOOST_TEST(find_prefix_at_end("aaaaaaaa", "aaaa") == 3u);
  BOOST_TEST(find_prefix_at_end("\r\n.\r", "\r\n.\r\n") == 4u);
  BOOST_TEST(find_prefix_at_end("\r\n\r", "\r\n.\r\n") == 1u);
  BOOST_TEST(find_prefix_at_end(bytes_view("a\0b\0", 4), bytes_view("\0c", 2)) == 1u);
}

BOOST_AUTO_TEST_CASE(of_all_short_strings) {
  const auto haystacks = strings_up_to(7), needles = strings_up_to(5);
  for (const auto& haystack : haystacks)
    for (const auto& needle : needles)
      BOOST_REQUIRE_EQUAL(find_prefix_at_end(haystack, needle),
                          longest_proper_prefix_at_end(haystack, needle));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(terminator_automata)

BOOST_AUTO_TEST_CASE(find_all_short_needles_byte_by_byte) {
  std::mt19937 random(1);
  for (const auto& needle : strings_up_to(7)) {
    if (needle.empty()) continue;
    const std::string stream = noise(random, 400);
    BOOST_REQUIRE(found_ends(terminator_automaton(needle), cut(random, stream, 1)) ==
                  naive_ends(stream, needle));
  }
}

BOOST_AUTO_TEST_CASE(find_needles_in_pieces, *boost::unit_test::label("native")) {
  for (unsigned seed = 0; seed < 2'000; ++seed) {
    std::mt19937 random(seed);
    const std::string needle = noise(random, random() % 12 + 1);
    // Noise with the needle, and beginnings of it, in it.
    std::string stream;
    while (stream.size() < 300) {
      stream += noise(random, random() % 8);
      stream += needle.substr(0, random() % (needle.size() + 1));
      if (random() % 2 == 0) stream += needle;
    }
    BOOST_TEST_INFO("seed " << seed);
    BOOST_REQUIRE(found_ends(terminator_automaton(needle), cut(random, stream, random() % 40 + 1)) ==
                  naive_ends(stream, needle));
  }
}

BOOST_AUTO_TEST_CASE(find_any_byte) {
  for (int value = 0; value < 256; ++value) {
    const std::string needle = {static_cast<char>(value), static_cast<char>(255 - value)};
    const std::string stream = "xx" + needle + needle.substr(0, 1) + needle + "yy";
    BOOST_TEST_INFO("byte " << value);
    BOOST_REQUIRE(found_ends(terminator_automaton(needle), {stream}) ==
                  naive_ends(stream, needle));
  }
}

// What a search that starts anew at every byte needs the product of the lengths for. No byte is
// looked at in two searches, and what has matched carries over, however long it is.
BOOST_AUTO_TEST_CASE(never_look_back) {
  const std::size_t half = 20'000;
  const std::string needle = std::string(half, 'a') + "b" + std::string(half, 'a') + "c";
  const terminator_automaton automaton(needle);
  const std::string almost = needle.substr(0, needle.size() - 1);
  std::size_t matched = 0, used_of_all = 0, fed = 0;
  for (int round = 0; round < 50; ++round)
    for (std::string_view left = almost; !left.empty(); left.remove_prefix(std::min<std::size_t>(left.size(), 7))) {
      const std::string_view piece = left.substr(0, 7);
      const auto [used, now] = automaton.search(bytes_view(piece), matched);
      BOOST_REQUIRE(used == piece.size());
      used_of_all += used;
      fed += piece.size();
      matched = now;
    }
  BOOST_TEST(used_of_all == fed);
  BOOST_TEST(matched == almost.size());
  const auto [used, now] = automaton.search(bytes_view("cc"), matched);
  BOOST_TEST(used == 1u);
  BOOST_TEST(now == needle.size());
}

BOOST_AUTO_TEST_CASE(use_nothing_of_nothing) {
  const terminator_automaton automaton("ab");
  for (const std::size_t matched : {0u, 1u}) {
    const auto [used, now] = automaton.search({}, matched);
    BOOST_TEST(used == 0u);
    BOOST_TEST(now == matched);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

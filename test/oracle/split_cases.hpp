// SPDX-License-Identifier: BSL-1.0
// Random streams, terminators and cuts, as split.py takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oracle {

/// Vigna's splitmix64: the same numbers with every standard library.
class random_source {
 public:
  explicit random_source(std::uint64_t seed) : state_(seed) {}

  /// From 0 to `limit` - 1.
  std::size_t below(std::size_t limit) {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((z ^ z >> 31) % limit);
  }
  bool once_in(std::size_t times) { return below(times) == 0; }
  template <class Choices>
  auto one_of(const Choices& choices) {
    return choices[below(std::size(choices))];
  }

 private:
  std::uint64_t state_;
};

/// One case.
class split_case {
 public:
  explicit split_case(random_source& random) : random_(random) {
    static constexpr std::string_view alphabets[] = {"a", "ab", "ab", "abc", "RN", "RNab"};
    alphabet_ = random_.one_of(alphabets);
    for (std::size_t left = 1 + random_.below(3); left > 0; --left) pool_.push_back(text());
    first = terminator();
    for (std::size_t left = 1 + random_.below(5); left > 0; --left)
      actions.push_back(random_.once_in(3) ? "." : random_.once_in(12) ? "!" : terminator());
    cut(stream());
  }

  /// The line for split.py.
  std::string line() const {
    std::string all = first + ' ';
    for (const std::string& each : actions) all += each + (&each == &actions.back() ? ' ' : ',');
    for (const std::string& each : pieces) all += each + (&each == &pieces.back() ? '\n' : ',');
    return all;
  }

  std::string first;
  std::vector<std::string> actions, pieces;

 private:
  std::string letters(std::size_t length) {
    std::string all;
    while (all.size() < length) all += random_.one_of(alphabet_);
    return all;
  }

  /// A string that may overlap with itself.
  std::string text() {
    static constexpr std::string_view known[] = {"aab", "aaa", "aa", "abab", "aabaa",
                                                 "RN",  "RNRN", "N"};
    return random_.once_in(2) ? std::string(random_.one_of(known)) : letters(1 + random_.below(6));
  }

  std::string terminator() {
    switch (random_.below(24)) {
      case 0: return "-";
      case 1: return "_";
      case 2: return std::to_string(1 + random_.below(60));
      case 3:
      case 4:
      case 5: return std::to_string(random_.below(9));
      default: return random_.one_of(pool_);
    }
  }

  /// Letters, terminators, and beginnings of terminators.
  std::string stream() {
    std::string all;
    for (std::size_t left = 1 + random_.below(24); left > 0; --left) {
      const std::string& known = pool_[random_.below(pool_.size())];
      switch (random_.below(4)) {
        case 0: all += letters(random_.below(9)); break;
        case 1: all += known.substr(0, random_.below(known.size() + 1)); break;
        default: all += known;
      }
    }
    return all + 'a';
  }

  void cut(std::string_view all) {
    static constexpr std::size_t longest[] = {1, 2, 4, 16, 200};
    const std::size_t most = random_.one_of(longest);
    const bool changes = random_.once_in(3);
    while (!all.empty()) {
      const std::size_t length = 1 + random_.below(most);
      const std::string piece(all.substr(0, length));
      all.remove_prefix(piece.size());
      const bool change = changes && random_.once_in(4);
      pieces.push_back(!change ? piece
                               : (random_.once_in(5) ? "!" : terminator()) + (':' + piece));
    }
  }

  random_source& random_;
  std::string_view alphabet_;
  std::vector<std::string> pool_;
};

}  // namespace oracle

// SPDX-License-Identifier: BSL-1.0
/// Splitters at work.
#pragma once

#include <asyncore/chat/splitter.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <string>

namespace test {

using asyncore::as_text;
using asyncore::bytes_view;
using asyncore::splitter;
using asyncore::terminator;
using bytes = std::span<const std::byte>;

/// Splits, and writes down what it is given: pieces of one item as one, a terminator as "|".
struct station {
  struct sink {
    void collect(bytes piece) const { self->collect(piece); }
    void found() const { self->found(); }
    void interrupted() const { ++self->interruptions; }
    bool goes_on() const { return self->goes_on(); }
    station* self;
  };

  bool feed(std::string_view data) {
    input = data;
    return one->feed(bytes_view(data), sink{this});
  }
  void collect(bytes piece) {
    BOOST_REQUIRE(!piece.empty());
    ++collected;
    const char* const at = as_text(piece).data();
    if (at < input.data() || at + piece.size() > input.data() + input.size())
      copied += piece.size();
    story += as_text(piece);
    if (on_collect) on_collect();
  }
  void found() {
    story += '|';
    if (on_found) on_found();
  }

  bool goes_on() {
    ++asked;
    return on_asked == nullptr || on_asked();
  }

  std::optional<splitter> one{std::in_place};
  std::string story;
  std::string_view input;
  std::size_t copied = 0;  // bytes that were not in the input
  int collected = 0;
  int interruptions = 0;
  int asked = 0;  // whether it goes on
  std::function<void()> on_collect, on_found;
  std::function<bool()> on_asked;
};

inline terminator text(std::string_view what) { return {std::string(what), 0}; }
inline terminator number(std::uint64_t count) { return {{}, count}; }

inline void set(splitter& one, const terminator& what) {
  if (what.text.empty()) {
    one.set_number(what.count);
  } else {
    one.set_text(what.text);
  }
}

}  // namespace test

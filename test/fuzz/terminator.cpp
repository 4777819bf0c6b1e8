// SPDX-License-Identifier: BSL-1.0
// The terminator search: however a stream is cut into inputs, it is split as one that is searched
// from its beginning, naively.
#include <asyncore/chat/splitter.hpp>

#include "require.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace {

struct sink {
  std::string* story;
  void collect(std::span<const std::byte> piece) const {
    test::require(!piece.empty(), "an empty piece");
    *story += asyncore::as_text(piece);
  }
  void found() const { *story += '|'; }
  void interrupted() const { test::require(false, "interrupted"); }
  bool goes_on() const { return true; }
};

// With "|" at each terminator. At the end, what may be the beginning of another one is left out.
std::string split_naively(std::string_view stream, std::string_view terminator) {
  std::string story;
  for (std::size_t at; (at = stream.find(terminator)) != stream.npos;) {
    (story += stream.substr(0, at)) += '|';
    stream.remove_prefix(at + terminator.size());
  }
  std::size_t held = std::min(stream.size(), terminator.size() - 1);
  while (held > 0 && !terminator.starts_with(stream.substr(stream.size() - held))) --held;
  return story += stream.substr(0, stream.size() - held);
}

}  // namespace

// The length of the terminator, the terminator, how long the inputs are, and the stream, of four
// different bytes only, so that much of it looks like a terminator.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::size_t length = std::min<std::size_t>(1 + data[0] % 12, size - 2);
  const std::size_t cut = 1 + data[1] % 16;
  std::string all;
  for (std::size_t i = 2; i < size; ++i) all += "ab\r\n"[data[i] % 4];
  const std::string terminator = all.substr(0, length), stream = all.substr(length);

  asyncore::splitter one;
  one.set_text(terminator);
  std::string story;
  for (std::size_t at = 0, step = 0; at < stream.size(); at += step) {
    step = std::min(1 + (cut * (at + 1)) % 17, stream.size() - at);
    const std::string input = stream.substr(at, step);  // of a size that the sanitizer knows
    test::require(one.feed(asyncore::bytes_view(input), sink{&story}), "stopped");
  }
  test::require(story == split_naively(stream, terminator), "split in another way");
  return 0;
}

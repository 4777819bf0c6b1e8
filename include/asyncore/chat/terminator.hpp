// SPDX-License-Identifier: BSL-1.0
/// What ends a piece of a stream.
#ifndef ASYNCORE_CHAT_TERMINATOR_HPP
#define ASYNCORE_CHAT_TERMINATOR_HPP

#include <asyncore/word/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asyncore {

/// The length of the longest proper prefix of `needle` that `haystack` ends with: what has to be
/// kept back because the rest may follow. Python's `asynchat.find_prefix_at_end`.
inline std::size_t find_prefix_at_end(bytes_view haystack, bytes_view needle) noexcept {
  if (needle.empty()) return 0;
  std::size_t length = needle.size() - 1;
  if (length > haystack.size()) length = haystack.size();
  const std::byte* const end = haystack.data() + haystack.size();
  while (length > 0 && std::memcmp(end - length, needle.data(), length) != 0) --length;
  return length;
}

/// A byte string that is searched for in a stream, cut anywhere. Knuth, Morris and Pratt's
/// automaton, which never looks back; where nothing has matched yet, memchr leaps to the next
/// first byte. So every byte is touched once in the common case, and the time is linear in the
/// bytes whatever they are (SIAM J. Comput. 6(2), 1977).
class terminator_automaton {
 public:
  terminator_automaton() = default;

  /// `text` is not empty. Throws bad_alloc.
  explicit terminator_automaton(std::string_view text) : text_(text), fallback_(text.size()) {
    std::uint32_t matched = 0;
    for (std::size_t i = 1; i < text_.size(); ++i) {
      while (matched > 0 && text_[i] != text_[matched]) matched = fallback_[matched - 1];
      if (text_[i] == text_[matched]) ++matched;
      fallback_[i] = matched;
    }
  }

  const std::string& text() const noexcept { return text_; }

  /// The text, which is no longer searched for.
  std::string release() noexcept { return std::move(text_); }

  struct outcome {
    std::size_t used;     // bytes of the input looked at
    std::size_t matched;  // of the terminator, at the end of these; all of it: found
  };

  /// Goes on where `matched` bytes of the terminator have been seen at the end of the input
  /// before. Stops behind the terminator, or at the end of `input`.
  outcome search(std::span<const std::byte> input, std::size_t matched) const noexcept {
    const char* const begin = reinterpret_cast<const char*>(input.data());
    const char* const end = begin + input.size();
    const char* at = begin;
    while (at != end) {
      if (matched == 0) {
        at = static_cast<const char*>(
            std::memchr(at, text_[0], static_cast<std::size_t>(end - at)));
        if (at == nullptr) return {input.size(), 0};
        ++at;
        matched = 1;
      } else if (*at == text_[matched]) {
        ++at;
        ++matched;
      } else {
        matched = fallback_[matched - 1];
        continue;
      }
      if (matched == text_.size()) break;
    }
    return {static_cast<std::size_t>(at - begin), matched};
  }

 private:
  std::string text_;
  std::vector<std::uint32_t> fallback_;
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// Cuts a stream at its terminators.
#ifndef ASYNCORE_CHAT_SPLITTER_HPP
#define ASYNCORE_CHAT_SPLITTER_HPP

#include <asyncore/chat/terminator.hpp>
#include <asyncore/error.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace asyncore {

/// A terminator as `get_terminator` tells it: a string, a number of bytes, or nothing, when
/// everything is given out as it comes.
struct terminator {
  std::string text;         // empty unless it is a string
  std::uint64_t count = 0;  // 0 unless it is a number; what is left of it

  bool none() const noexcept { return text.empty() && count == 0; }
  friend bool operator==(const terminator& a, const terminator& b) noexcept {
    return a.text == b.text && a.count == b.count;
  }
};

/// The input side of `async_chat`, without a descriptor. Gives out what stands before each
/// terminator, straight from the input; only what straddles two inputs is kept, at most one byte
/// less than the terminator has.
class splitter {
 public:
  /// The next `count` bytes end a piece. 0: nothing ends one.
  void set_number(std::uint64_t count) noexcept {
    change();
    kind_ = count == 0 ? kind::none : kind::number;
    left_ = count;
  }

  /// `text` ends a piece and is not part of it. Empty: nothing ends one. Throws bad_alloc, and
  /// then nothing has changed.
  void set_text(std::string_view text) {
    if (text.empty()) return set_number(0);
    if (kind_ == kind::text && text == automaton_.text()) return;
    terminator_automaton automaton(text);
    change();
    automaton_ = std::move(automaton);
    kind_ = kind::text;
  }

  /// The terminator; of a number, what is left of it.
  terminator get() const {
    if (kind_ == kind::number) return {{}, left_};
    if (kind_ == kind::text) return {automaton_.text(), 0};
    return {};
  }

  /// The bytes given out since the last terminator, while a string is waited for.
  std::size_t waiting() const noexcept { return waiting_; }

  /// Forgets what is kept, and the rest of the input that is being fed.
  void discard() noexcept {
    kept_.clear();
    matched_ = 0;
    discarded_ = true;
  }

  /// Feeds the next bytes of the stream. Calls `sink.collect(span)` for what is not a terminator
  /// and `sink.found()` at each; both may change the terminator, and return false when the
  /// splitter must not go on (it may be gone). A span is valid until `collect` returns.
  template <class Sink>
  void feed(std::span<const std::byte> input, Sink sink) {
    discarded_ = false;
    if (!kept_.empty()) [[unlikely]] {
      // The terminator changed while a part of the old one was kept: read it again.
      kept_.append(as_text(input));
      const std::string again = std::move(kept_);
      kept_.clear();
      return split(bytes_view(again), sink);
    }
    split(input, sink);
  }

 private:
  enum class kind : unsigned char { none, number, text };

  template <class Sink>
  void split(std::span<const std::byte> input, Sink& sink) {
    while (!input.empty()) {
      bool going = true;
      if (kind_ == kind::text) {
        going = split_text(input, sink);
      } else if (kind_ == kind::number) {
        going = split_number(input, sink);
      } else {
        const auto all = std::exchange(input, {});
        going = sink.collect(all);
      }
      if (!going || discarded_) return;
    }
  }

  template <class Sink>
  bool split_number(std::span<const std::byte>& input, Sink& sink) {
    const std::size_t n =
        left_ < input.size() ? static_cast<std::size_t>(left_) : input.size();
    const auto piece = input.first(n);
    input = input.subspan(n);
    const bool complete = n == left_;
    left_ -= n;
    const std::uint32_t changes = changes_;
    if (!sink.collect(piece)) return false;
    if (discarded_ || !complete) return true;
    if (changes_ == changes) kind_ = kind::none;
    return sink.found();
  }

  template <class Sink>
  bool split_text(std::span<const std::byte>& input, Sink& sink) {
    const std::size_t before = matched_;
    const auto [used, matched] = automaton_.search(input, before);
    const bool found = matched == automaton_.text().size();
    matched_ = found ? 0 : matched;
    // Before the match stand `before` bytes that were kept, and those of this input.
    const std::size_t data = before + used - matched;
    const auto piece = input.first(data > before ? data - before : 0);
    input = input.subspan(used);
    waiting_ = found ? 0 : waiting_ + data;
    if (before > 0 && data > 0) {
      // What was kept is the beginning of the terminator, and turned out to be data.
      const std::string kept(automaton_.text(), 0, data < before ? data : before);
      if (!sink.collect(bytes_view(kept))) return false;
      if (discarded_) return true;
    }
    if (!piece.empty()) {
      if (!sink.collect(piece)) return false;
      if (discarded_) return true;
    }
    return !found || sink.found();
  }

  /// The terminator is about to change.
  void change() noexcept {
    ++changes_;
    waiting_ = 0;
    if (matched_ == 0) return;
    kept_.assign(automaton_.text(), 0, matched_);
    matched_ = 0;
  }

  kind kind_ = kind::none;
  bool discarded_ = false;
  std::uint32_t changes_ = 0;
  std::uint64_t left_ = 0;     // of a number
  std::size_t matched_ = 0;    // of the text, at the end of the input so far
  std::size_t waiting_ = 0;
  terminator_automaton automaton_;
  std::string kept_;           // the matched part of a text that has been replaced
};

}  // namespace asyncore

#endif

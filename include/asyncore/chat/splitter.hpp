// SPDX-License-Identifier: BSL-1.0
/// Cuts a stream at its terminators.
#ifndef ASYNCORE_CHAT_SPLITTER_HPP
#define ASYNCORE_CHAT_SPLITTER_HPP

#include <asyncore/chat/pending_input.hpp>
#include <asyncore/chat/terminator.hpp>
#include <asyncore/word/bytes.hpp>
#include <asyncore/word/error.hpp>

#include <cstddef>
#include <cstdint>
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
/// terminator, straight from the input. Kept and copied is only what straddles two inputs, at most
/// one byte less than the terminator has, and what a hook that threw or held has left unread.
class splitter {
 public:
  splitter() noexcept = default;
  splitter(const splitter&) = delete;
  splitter& operator=(const splitter&) = delete;
  ~splitter() {
    for (feeding* each = fed_; each != nullptr; each = each->outer) each->end(nullptr);
  }

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

  /// The bytes given out since the last terminator, or since `wait_anew`, while a string is waited
  /// for.
  std::size_t waiting() const noexcept { return waiting_; }
  void wait_anew() noexcept { waiting_ = 0; }

  /// True when a hook threw in the last `feed`, or the sink did not go on: there may be more to
  /// split without more input.
  bool interrupted() const noexcept { return interrupted_; }

  /// True when there is something to split without more input: what an interrupted `feed` has left,
  /// or the rest of the one under way.
  bool keeps_input() const noexcept {
    if (interrupted_ && (!kept_.empty() || number_is_due())) return true;
    return fed_ != nullptr && !fed_->over() && !fed_->discarded && fed_->size() > 0;
  }

  /// From inside a hook: has the `feed` under way ask `sink.goes_on()` when that hook returns.
  void hold() noexcept {
    for (feeding* each = fed_; each != nullptr; each = each->outer) each->hold();
  }

  /// True while `feed` runs: in a hook.
  bool splitting() const noexcept { return fed_ != nullptr; }

  /// Forgets what has been fed and not been given out. From inside `collect`, what is being given
  /// out and its terminator still are, as in Python.
  void discard() noexcept {
    for (feeding* each = fed_; each != nullptr; each = each->outer) each->discarded = true;
    kept_.clear();
    matched_ = 0;
  }

  /// As `discard`, and nothing more is called.
  void stop() noexcept {
    for (feeding* each = fed_; each != nullptr; each = each->outer) each->end(this);
    discard();
    interrupted_ = false;
  }

  /// Feeds the next bytes of the stream. Calls `sink.collect(span)` for what is not a terminator,
  /// with a span that is valid until it returns, and `sink.found()` at each terminator. Both may
  /// change the terminator, discard, hold, stop and destroy the splitter. When one throws,
  /// `sink.interrupted()` is called, what is behind the bytes it was given is kept for the next
  /// `feed`, and the exception passes. After a `hold` the same is done when `sink.goes_on()`, which
  /// may do as much as a hook, returns false. A `feed` from inside a hook splits what is left of the
  /// outer one first. Returns false when the splitter was stopped or is gone. Throws bad_alloc.
  template <class Sink>
  bool feed(std::span<const std::byte> input, Sink sink) {
    feeding from(*this, input);
    interrupted_ = false;
    detail::cleaning_up(
        [&] {
          do split(from, sink);
          while (!from.going() && goes_on(from, sink));
        },
        [&] { interrupt(from, sink); });
    return !from.over();
  }

 private:
  enum class kind : unsigned char { none, number, text };

  /// What is being split by one `feed`, which the splitter may not survive.
  struct feeding : detail::fed_stream {
    feeding(splitter& fed, std::span<const std::byte> input)
        : fed_stream(fed.fed_ == nullptr ? std::exchange(fed.kept_, {}) : fed.left_by_outer(), input),
          owner(&fed), outer(fed.fed_) {
      fed.fed_ = this;
    }
    feeding(const feeding&) = delete;
    feeding& operator=(const feeding&) = delete;
    ~feeding() {
      if (owner != nullptr) owner->fed_ = outer;
    }
    bool going() const noexcept { return course == courses::going; }
    bool over() const noexcept { return course == courses::over; }
    void hold() noexcept {
      if (going()) course = courses::held;
    }
    void end(splitter* left) noexcept {
      course = courses::over;
      owner = left;
    }

    splitter* owner;  // null when it is gone
    feeding* outer;   // one of whose hooks called this `feed`
    enum class courses : unsigned char { going, held, over } course = courses::going;
    bool discarded = false;
  };

  /// What a `feed` inside of another one takes over from it: kept input and the other's rest.
  ASYNCORE_COLD std::string left_by_outer() {
    std::string all = fed_->discarded ? std::string() : fed_->copy();
    all.append(kept_);
    kept_.clear();
    fed_->clear();
    fed_->hold();
    return all;
  }

  /// After a hook that has held, stopped or destroyed; returns whether there is more to split.
  template <class Sink>
  ASYNCORE_NOINLINE bool goes_on(feeding& from, Sink& sink) {
    if (from.over()) return false;
    if (from.discarded) from.clear();
    const bool going = sink.goes_on();
    if (from.over()) return false;
    if (!going) {
      interrupt(from, sink);
      return false;
    }
    if (from.discarded) from.clear();
    from.course = feeding::courses::going;
    return true;
  }

  /// Keeps the rest, before what an inner `feed` has kept.
  template <class Sink>
  ASYNCORE_NOINLINE void interrupt(feeding& from, Sink& sink) {
    if (from.over()) return;
    interrupted_ = true;
    sink.interrupted();
    if (from.discarded || from.size() == 0) return;
    kept_ = kept_.empty() ? from.release() : from.release() + kept_;
  }

  template <class Sink>
  void split(feeding& from, Sink& sink) {
    while (from.size() > 0 || number_is_due()) {
      const bool going = kind_ == kind::text     ? split_text(from, sink)
                         : kind_ == kind::number ? split_number(from, sink)
                                                 : give(from, from.size(), sink);
      if (!going) return;
      if (from.discarded) from.clear();
    }
  }

  /// Gives out the next `n` bytes. This and its like return false when nothing may follow, not
  /// even a look at *this.
  template <class Sink>
  static bool give(feeding& from, std::size_t n, Sink& sink) {
    while (n > 0) {
      const auto piece = from.take(n);
      n -= piece.size();
      sink.collect(piece);
      if (!from.going()) return false;
    }
    return true;
  }

  /// True when the bytes of a number have been given out, and `collect` threw at the last.
  bool number_is_due() const noexcept { return kind_ == kind::number && left_ == 0; }

  template <class Sink>
  bool split_number(feeding& from, Sink& sink) {
    const std::uint32_t changes = changes_;
    const bool complete = left_ <= from.size();
    std::uint64_t n = complete ? left_ : from.size();
    while (n > 0) {
      const auto piece = from.take(n);
      n -= piece.size();
      if (changes_ == changes) left_ -= piece.size();
      sink.collect(piece);
      if (!from.going()) return false;
    }
    if (!complete) return true;
    if (changes_ == changes) kind_ = kind::none;
    sink.found();
    return from.going();
  }

  template <class Sink>
  bool split_text(feeding& from, Sink& sink) {
    const std::uint32_t changes = changes_;
    // A part of the terminator at the end of the last input is remembered by its length alone.
    const std::size_t before = matched_;
    terminator_automaton::outcome seen{0, before};
    if (!from.head().empty()) [[unlikely]]
      seen = automaton_.search(from.head(), before);
    std::size_t used = seen.used;
    if (seen.matched < automaton_.text().size()) {
      seen = automaton_.search(from.input(), seen.matched);
      used += seen.used;
    }
    const bool found = seen.matched == automaton_.text().size();
    const std::size_t data = before + used - seen.matched;
    if (before > 0 && data > 0) {  // that part was none: there it is again
      from.put_first(std::string_view(automaton_.text()).substr(0, before));
      used += before;
    }
    matched_ = 0;
    waiting_ = found ? 0 : waiting_ + data;
    if (!give(from, data, sink)) return false;
    if (found) {
      from.skip(used - data);
      sink.found();
      return from.going();
    }
    // A part of the terminator is left. When there is another one, that waits for more input too.
    if (!from.discarded && changes_ == changes) matched_ = seen.matched;
    if (!from.discarded && changes_ != changes) kept_ = from.release();
    from.clear();
    return true;
  }

  /// The terminator is about to change: what is kept will be searched for the new one.
  void change() noexcept {
    ++changes_;
    waiting_ = 0;
    if (matched_ == 0) return;
    std::string text = automaton_.release();
    text.resize(std::exchange(matched_, 0));
    kept_ = std::move(text += kept_);
  }

  kind kind_ = kind::none;
  bool interrupted_ = false;
  std::uint32_t changes_ = 0;
  std::uint64_t left_ = 0;    // of a number
  std::size_t matched_ = 0;   // of the text, at the end of the input so far
  std::size_t waiting_ = 0;
  feeding* fed_ = nullptr;    // while a `feed` is under way
  terminator_automaton automaton_;
  std::string kept_;
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// What asynchat's documentation says of terminators, written as simply as it can be: the whole
/// buffer is searched anew each time, and everything is copied.
#pragma once

#include <asyncore/chat/splitter.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace test {

class asynchat_model {
 public:
  void set(asyncore::terminator what) {
    terminator_ = std::move(what);
    ++changes_;
  }
  const asyncore::terminator& get() const { return terminator_; }

  void discard() { buffer_.clear(); }

  /// The bytes that wait for more.
  std::size_t held() const { return buffer_.size(); }

  /// `sink.collect(string)`, `sink.found()`.
  template <class Sink>
  void feed(std::string_view data, Sink& sink) {
    buffer_ += data;
    while (!buffer_.empty()) {
      if (terminator_.none()) {
        give(buffer_.size(), sink);
      } else if (terminator_.count > 0) {
        const std::uint64_t wanted = terminator_.count;
        const bool complete = buffer_.size() >= wanted;
        const std::size_t n = complete ? static_cast<std::size_t>(wanted) : buffer_.size();
        const int changes = changes_;
        terminator_.count -= n;
        give(n, sink);
        if (!complete) continue;
        // Python forgets a terminator that was set in `collect_incoming_data` here.
        if (changes == changes_) terminator_ = {};
        sink.found();
      } else if (const auto at = buffer_.find(terminator_.text); at != std::string::npos) {
        const std::size_t size = terminator_.text.size();
        give(at, sink);
        buffer_.erase(0, size);
        sink.found();
      } else {
        std::size_t kept = terminator_.text.size() - 1;
        while (!buffer_.ends_with(std::string_view(terminator_.text).substr(0, kept))) --kept;
        give(buffer_.size() - kept, sink);
        return;
      }
    }
  }

 private:
  template <class Sink>
  void give(std::size_t n, Sink& sink) {
    if (n == 0) return;
    const std::string piece = buffer_.substr(0, n);
    buffer_.erase(0, n);
    sink.collect(piece);
  }

  asyncore::terminator terminator_;
  std::string buffer_;
  int changes_ = 0;
};

}  // namespace test

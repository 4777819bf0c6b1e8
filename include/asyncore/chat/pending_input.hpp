// SPDX-License-Identifier: BSL-1.0
/// What a splitter has been given and has not given out.
#ifndef ASYNCORE_CHAT_PENDING_INPUT_HPP
#define ASYNCORE_CHAT_PENDING_INPUT_HPP

#include <asyncore/word/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace asyncore::detail {

/// Bytes that were kept from earlier inputs, and behind them an input, which is not copied.
class fed_stream {
 public:
  fed_stream(std::string kept, std::span<const std::byte> input) noexcept
      : kept_(std::move(kept)), input_(input) {}

  /// The two parts.
  std::span<const std::byte> head() const noexcept { return bytes_view(kept_).drop(given_); }
  std::span<const std::byte> input() const noexcept { return input_; }

  std::size_t size() const noexcept { return kept_.size() - given_ + input_.size(); }

  /// Puts bytes before the rest. Throws bad_alloc, and then nothing has changed.
  void put_first(std::string_view bytes) {
    kept_.replace(0, given_, bytes);
    given_ = 0;
  }

  /// Removes at most `n` bytes, as many as lie in one part.
  std::span<const std::byte> take(std::uint64_t n) noexcept {
    const bool in_head = given_ < kept_.size();
    const std::span<const std::byte> part = in_head ? head() : input_;
    const auto taken = part.first(n < part.size() ? static_cast<std::size_t>(n) : part.size());
    if (in_head) [[unlikely]] {
      given_ += taken.size();
    } else {
      input_ = input_.subspan(taken.size());
    }
    return taken;
  }

  /// Removes `n` bytes; `n` is at most `size()`.
  void skip(std::size_t n) noexcept {
    const std::size_t in_head = kept_.size() - given_;
    const std::size_t here = n < in_head ? n : in_head;
    given_ += here;
    input_ = input_.subspan(n - here);
  }
  void clear() noexcept { skip(size()); }

  /// A copy of what is left. Throws bad_alloc.
  std::string copy() const { return std::string(as_text(head())).append(as_text(input_)); }

  /// A copy of what is left, which ends here. Throws bad_alloc.
  std::string release() {
    kept_.erase(0, given_);
    given_ = 0;
    return std::move(kept_.append(as_text(std::exchange(input_, {}))));
  }

 private:
  std::string kept_;
  std::size_t given_ = 0;  // of what was kept
  std::span<const std::byte> input_;
};

}  // namespace asyncore::detail

#endif

// SPDX-License-Identifier: BSL-1.0
/// Views of bytes that can be sent.
#ifndef ASYNCORE_WORD_BYTES_HPP
#define ASYNCORE_WORD_BYTES_HPP

#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

namespace asyncore {

/// The bytes of anything contiguous whose elements are one byte wide: string, string_view, span,
/// vector, array. A string literal and a `const char*` end before their NUL. An array of char that
/// may be written to is refused: it may hold bytes behind a NUL, or no NUL at all. It owns nothing.
class bytes_view {
 public:
  constexpr bytes_view() noexcept = default;
  bytes_view(const void* data, std::size_t size) noexcept
      : data_(static_cast<const std::byte*>(data)), size_(size) {}
  bytes_view(const char* text) noexcept : bytes_view(std::string_view(text)) {}
  template <std::size_t N>
  bytes_view(char (&)[N]) noexcept {
    static_assert(N == 0,
                  "asyncore: an array of char may hold bytes behind a NUL, or no NUL at all: pass "
                  "std::span(array) for all of it, or std::string_view(array) for a text that ends "
                  "at its NUL");
  }
  bytes_view(std::string_view text) noexcept : bytes_view(text.data(), text.size()) {}

  template <class Range>
    requires requires(const Range& range) {
      requires sizeof(*range.data()) == 1;
      requires std::is_trivially_copyable_v<std::remove_cvref_t<decltype(*range.data())>>;
      { range.size() } -> std::convertible_to<std::size_t>;
    }
  bytes_view(const Range& range) noexcept : bytes_view(range.data(), range.size()) {}

  constexpr const std::byte* data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr operator std::span<const std::byte>() const noexcept { return {data_, size_}; }

  /// What is left after the first `n` bytes; `n` is at most `size()`.
  constexpr bytes_view drop(std::size_t n) const noexcept {
    bytes_view rest;
    rest.data_ = data_ + n;
    rest.size_ = size_ - n;
    return rest;
  }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The characters of `bytes`, for logs and parsers.
inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace asyncore

#endif

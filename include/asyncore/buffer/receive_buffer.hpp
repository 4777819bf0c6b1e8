// SPDX-License-Identifier: BSL-1.0
/// The buffer that a loop lends to `handle_data`.
#ifndef ASYNCORE_BUFFER_RECEIVE_BUFFER_HPP
#define ASYNCORE_BUFFER_RECEIVE_BUFFER_HPP

#include <asyncore/word/config.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#if ASYNCORE_HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace asyncore {

namespace detail {

/// From now on a user's class may look at these bytes, or may not. Costs nothing without
/// AddressSanitizer, which reports a look at hidden bytes.
/// @{
inline void show([[maybe_unused]] std::span<std::byte> bytes) noexcept {
#if ASYNCORE_HAS_ASAN
  __asan_unpoison_memory_region(bytes.data(), bytes.size());
#endif
}
inline void hide([[maybe_unused]] std::span<std::byte> bytes) noexcept {
#if ASYNCORE_HAS_ASAN
  __asan_poison_memory_region(bytes.data(), bytes.size());
#endif
}
/// @}

/// What a debug build leaves in bytes that a hook was lent, so that a span that it kept shows.
inline constexpr int stale_byte = 0xdb;

}  // namespace detail

/// Bytes for one receive, made at the first use: a loop without `handle_data` has none. Left
/// uninitialised, so that only the pages that are used count. While they are lent, the loop has no
/// buffer, and who needs one makes another.
class receive_buffer {
 public:
  static constexpr std::size_t size = 65536;

  receive_buffer() noexcept = default;
  receive_buffer(const receive_buffer&) = delete;
  receive_buffer& operator=(const receive_buffer&) = delete;
  ~receive_buffer() { destroy(bytes_); }

  /// True when there is a buffer here.
  bool made() const noexcept { return bytes_ != nullptr; }

  /// The buffer that is here.
  std::span<std::byte> bytes() const noexcept { return {bytes_, size}; }

  /// Where it is, or would be: until the first use no object lies in it.
  std::span<const std::byte> place() const noexcept { return {bytes_, size}; }

  /// Takes the buffer away, and puts `other` in its place; null: none.
  std::byte* exchange(std::byte* other) noexcept { return std::exchange(bytes_, other); }

  /// The buffer that was here, or a new one. Throws bad_alloc.
  std::byte* take() { return made() ? exchange(nullptr) : make(); }

  static std::byte* make() { return new std::byte[size]; }
  static void destroy(std::byte* bytes) noexcept {
    if (bytes != nullptr) detail::show({bytes, size});
    delete[] bytes;
  }

  /// The hook that was lent them has returned: who looks at them later has kept a span.
  static void end_loan(std::byte* bytes, bool overwrite) noexcept {
    if (overwrite) {
      detail::show({bytes, size});
      std::memset(bytes, detail::stale_byte, size);
    }
    detail::hide({bytes, size});
  }

 private:
  std::byte* bytes_ = nullptr;
};

/// While a hook looks at the buffer that is in `of`, where there is one, and it stays there.
/// `Overwrites`: what it was given is overwritten afterwards, for debug builds.
template <bool Overwrites>
class receive_view {
 public:
  explicit receive_view(const receive_buffer& of) noexcept
      : bytes_(of.made() ? of.bytes().data() : nullptr) {
    if (bytes_ != nullptr) detail::show({bytes_, receive_buffer::size});
  }
  receive_view(const receive_view&) = delete;
  receive_view& operator=(const receive_view&) = delete;
  ~receive_view() {
    if (bytes_ != nullptr) receive_buffer::end_loan(bytes_, Overwrites);
  }

 private:
  std::byte* bytes_;
};

/// A buffer of one read event, which nobody else is given until the object goes: the loop's own
/// or, while a hook that is under way has that, another.
template <bool Overwrites>
class receive_loan {
 public:
  /// `in_use`: a hook looks at what is in `from`. Throws bad_alloc.
  receive_loan(receive_buffer& from, bool in_use)
      : from_(from), bytes_(in_use ? receive_buffer::make() : from.take()) {
    if (in_use) [[unlikely]]
      set_aside_ = from.exchange(nullptr);
    detail::show(bytes());
  }
  receive_loan(const receive_loan&) = delete;
  receive_loan& operator=(const receive_loan&) = delete;
  /// Of the buffers that are left the loop keeps one.
  ~receive_loan() {
    receive_buffer::end_loan(bytes_, Overwrites);
    if (set_aside_ != nullptr) [[unlikely]]
      receive_buffer::destroy(std::exchange(bytes_, set_aside_));
    if (std::byte* const other = from_.exchange(bytes_)) [[unlikely]]
      receive_buffer::destroy(other);
  }

  std::span<std::byte> bytes() const noexcept { return {bytes_, receive_buffer::size}; }

 private:
  receive_buffer& from_;
  std::byte* bytes_;
  std::byte* set_aside_ = nullptr;  // which a hook around this one looks at
};

}  // namespace asyncore

#endif

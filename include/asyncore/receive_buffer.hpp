// SPDX-License-Identifier: BSL-1.0
/// The buffer that a loop lends to `handle_data`.
#ifndef ASYNCORE_RECEIVE_BUFFER_HPP
#define ASYNCORE_RECEIVE_BUFFER_HPP

#include <cstddef>
#include <span>

namespace asyncore {

/// Bytes for one receive, made at the first use: a loop without `handle_data` has none. Left
/// uninitialised, so that only the pages that are used count.
class receive_buffer {
 public:
  static constexpr std::size_t size = 65536;

  receive_buffer() noexcept = default;
  receive_buffer(const receive_buffer&) = delete;
  receive_buffer& operator=(const receive_buffer&) = delete;
  ~receive_buffer() { delete[] bytes_; }

  /// The whole buffer. Throws bad_alloc at the first use.
  std::span<std::byte> bytes() {
    if (bytes_ == nullptr) [[unlikely]]
      bytes_ = new std::byte[size];
    return {bytes_, size};
  }

  bool made() const noexcept { return bytes_ != nullptr; }

  /// Where it is, or would be: until the first use no object lies in it.
  std::span<const std::byte> place() const noexcept { return {bytes_, size}; }

 private:
  std::byte* bytes_ = nullptr;
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// Sources of bytes that are asked only when the connection can take more.
#ifndef ASYNCORE_CHAT_PRODUCER_HPP
#define ASYNCORE_CHAT_PRODUCER_HPP

#include <asyncore/word/bytes.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>

namespace asyncore {

/// With `p` a producer, `p.more()` returns its next bytes, anything that can be sent; none: it has
/// ended and is asked no more. The bytes are copied before the next call.
template <class P>
concept producer = requires(P& p) {
  { p.more() } -> std::convertible_to<bytes_view>;
};

/// Something that points to a producer, such as a unique_ptr.
template <class P>
concept producer_pointer = !producer<P> && requires(P& p) {
  { (*p).more() } -> std::convertible_to<bytes_view>;
};

/// Gives out a string in pieces. Python's `asynchat.simple_producer`.
class simple_producer {
 public:
  /// `buffer_size`: bytes of a piece, at least 1.
  explicit simple_producer(std::string data, std::size_t buffer_size = 512)
      : data_(std::move(data)), buffer_size_(buffer_size > 0 ? buffer_size : 1) {}

  /// The next piece, valid as long as the producer; empty at the end.
  bytes_view more() noexcept {
    const std::size_t left = data_.size() - given_;
    const std::size_t n = left < buffer_size_ ? left : buffer_size_;
    const bytes_view piece(data_.data() + given_, n);
    given_ += n;
    return piece;
  }

 private:
  std::string data_;
  std::size_t buffer_size_;
  std::size_t given_ = 0;
};

}  // namespace asyncore

#endif

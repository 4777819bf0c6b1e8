// SPDX-License-Identifier: BSL-1.0
/// Sources of bytes that are asked only when the connection can take more.
#ifndef ASYNCORE_CHAT_PRODUCER_HPP
#define ASYNCORE_CHAT_PRODUCER_HPP

#include <asyncore/bytes.hpp>
#include <asyncore/out_queue.hpp>

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

/// What waits behind the bytes of an out-queue: a producer, bytes behind one, or the end. A list
/// in the order in which it was pushed.
class pending_output {
 public:
  pending_output() noexcept = default;
  pending_output(const pending_output&) = delete;
  pending_output& operator=(const pending_output&) = delete;

  bool empty() const noexcept { return first_ == nullptr; }

  /// True when the end has been pushed.
  bool ends() const noexcept { return ends_; }

  /// The bytes that wait behind producers.
  std::size_t size() const noexcept { return size_; }

  /// Appends bytes behind the last producer. Throws bad_alloc.
  void push_bytes(bytes_view bytes, block_pool& pool) {
    if (last_ == nullptr || last_->source != nullptr) append(new item);
    last_->bytes.append(bytes, pool);
    size_ += bytes.size();
  }

  /// Appends a producer, or a pointer to one. Throws bad_alloc, or what moving it throws.
  template <class P>
  void push_producer(P&& p) {
    item* const one = new item;
    one->source = new_source(std::forward<P>(p), one);
    append(one);
  }

  /// Nothing follows.
  void push_end() noexcept { ends_ = true; }

  /// Moves bytes into `queue`, which is empty: those that come first, or what the first producer
  /// has next. Producers that have ended are dropped. Returns false when nothing is left. What a
  /// producer throws passes; it is asked again at the next call.
  bool refill(out_queue& queue, block_pool& pool) {
    while (first_ != nullptr) {
      if (first_->source == nullptr) {
        size_ -= first_->bytes.size();
        queue.swap(first_->bytes);
        drop_first(pool);
      } else if (!first_->source->more(queue, pool)) {
        drop_first(pool);
      }
      if (!queue.empty()) return true;
    }
    return false;
  }

  void clear(block_pool& pool) noexcept {
    while (first_ != nullptr) drop_first(pool);
    ends_ = false;
  }

 private:
  struct source_base {
    virtual ~source_base() = default;
    virtual bool more(out_queue& queue, block_pool& pool) = 0;
  };
  template <class P>
  struct source_of : source_base {
    explicit source_of(P&& p) : producer_(std::move(p)) {}
    bool more(out_queue& queue, block_pool& pool) override {
      if constexpr (producer<P>) {
        return append_from(producer_, queue, pool);
      } else {
        return append_from(*producer_, queue, pool);
      }
    }
    template <class Q>
    static bool append_from(Q& source, out_queue& queue, block_pool& pool) {
      auto&& next = source.more();
      const bytes_view bytes(next);
      queue.append(bytes, pool);
      return !bytes.empty();
    }
    P producer_;
  };
  struct item {
    item* next = nullptr;
    source_base* source = nullptr;  // null: bytes
    out_queue bytes;
  };

  /// On an exception the item that was to hold the producer is freed.
  template <class P>
  static source_base* new_source(P&& p, item* holder) {
    struct guard {
      ~guard() { delete item_; }
      item* item_;
    } on_throw{holder};
    auto* const source = new source_of<std::remove_cvref_t<P>>(std::forward<P>(p));
    on_throw.item_ = nullptr;
    return source;
  }

  void append(item* one) noexcept {
    (last_ == nullptr ? first_ : last_->next) = one;
    last_ = one;
  }

  void drop_first(block_pool& pool) noexcept {
    item* const one = first_;
    first_ = one->next;
    if (first_ == nullptr) last_ = nullptr;
    size_ -= one->bytes.size();
    one->bytes.clear(pool);
    delete one->source;
    delete one;
  }

  item* first_ = nullptr;
  item* last_ = nullptr;
  std::size_t size_ = 0;
  bool ends_ = false;
};

}  // namespace asyncore

#endif

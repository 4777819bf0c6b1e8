// SPDX-License-Identifier: BSL-1.0
/// What follows the bytes of an out-queue: producers, and what was pushed behind them.
#ifndef ASYNCORE_CHAT_PENDING_OUTPUT_HPP
#define ASYNCORE_CHAT_PENDING_OUTPUT_HPP

#include <asyncore/buffer/out_queue.hpp>
#include <asyncore/chat/producer.hpp>
#include <asyncore/word/bytes.hpp>
#include <asyncore/word/duration.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

namespace asyncore {

/// What waits behind the bytes of an out-queue: a producer, bytes behind one, or the end. A list
/// in the order in which it was pushed. The owner clears it before its pool ends.
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

  /// The number of producers.
  std::size_t producers() const noexcept { return producers_; }

  /// Appends bytes behind the last producer. Throws bad_alloc, and then a part may have been
  /// appended.
  void push_bytes(bytes_view bytes, block_pool& pool) {
    if (last_ == nullptr || last_->is_source) append(new item);
    const counted count(size_, last_->bytes);
    last_->bytes.append(bytes, pool);
  }

  /// Appends a producer, or a pointer to one; a null one gives nothing. Throws bad_alloc, or what
  /// moving it throws.
  template <class P>
  void push_producer(P&& p) {
    append(new source_of<std::remove_cvref_t<P>>(std::forward<P>(p)));
    ++producers_;
  }

  /// Nothing follows; the first call counts. `linger`, which is rounded up to milliseconds and
  /// lasts 49 days at most, is for who takes the end.
  void push_end(std::chrono::nanoseconds linger) noexcept {
    if (ends_) return;
    ends_ = true;
    linger_ = in_milliseconds(linger);
  }

  /// Takes the end back; returns whether it had been pushed.
  bool take_end() noexcept { return std::exchange(ends_, false); }

  /// What the last end was pushed with.
  std::chrono::milliseconds linger() const noexcept { return std::chrono::milliseconds(linger_); }

  /// What `refill` did: it put bytes into the queue; nothing is left; or nothing may be done now,
  /// because the producer that was asked has cleared or destroyed the list, or is being asked.
  enum class refilled { bytes, nothing, not_now };

  /// Moves bytes into `queue`, which is empty: those that come first, or what the first producer
  /// has next. Producers that have ended are dropped. What a producer throws passes; it is asked
  /// again at the next call. After `not_now`, *this and `queue` may be gone.
  refilled refill(out_queue& queue, block_pool& pool) {
    if (asked_ != nullptr) return refilled::not_now;
    while (first_ != nullptr) {
      if (first_->is_source) {
        asking call(*this);
        const bool more = static_cast<source*>(first_)->more(call, queue, pool);
        if (call.list == nullptr) return refilled::not_now;
        if (!more) drop_first(pool);
      } else {
        item* const one = unlink_first();
        queue.swap(one->bytes);
        delete one;
      }
      if (!queue.empty()) return refilled::bytes;
    }
    return refilled::nothing;
  }

  void clear(block_pool& pool) noexcept {
    if (asked_ != nullptr) {
      // The call under way uses the first one, and drops it.
      asked_->list = nullptr;
      asked_->orphan = unlink_first();
      asked_ = nullptr;
    }
    while (first_ != nullptr) drop_first(pool);
    ends_ = false;
  }

 private:
  struct item;
  struct source;

  /// A producer's `more` is being called, which may do anything to the list.
  struct asking {
    explicit asking(pending_output& of) noexcept : list(&of) { of.asked_ = this; }
    asking(const asking&) = delete;
    asking& operator=(const asking&) = delete;
    ~asking() {
      if (list != nullptr) list->asked_ = nullptr;
      delete orphan;
    }
    pending_output* list;  // null when it has been cleared
    item* orphan = nullptr;
  };

  /// Bytes; or, as below, a producer.
  struct item {
    explicit item(bool asks = false) noexcept : is_source(asks) {}
    item(const item&) = delete;
    item& operator=(const item&) = delete;
    virtual ~item() = default;

    item* next = nullptr;
    const bool is_source;
    out_queue bytes;
  };
  struct source : item {
    source() noexcept : item(true) {}
    /// Appends what the producer has next; returns false at its end.
    virtual bool more(asking&, out_queue&, block_pool&) = 0;
  };
  template <class P>
  struct source_of final : source {
    template <class Q>
    explicit source_of(Q&& p) : producer_(std::forward<Q>(p)) {}
    bool more(asking& call, out_queue& queue, block_pool& pool) override {
      if constexpr (producer<P>) {
        return append_from(producer_, call, queue, pool);
      } else {
        return static_cast<bool>(producer_) && append_from(*producer_, call, queue, pool);
      }
    }
    template <class Q>
    static bool append_from(Q& from, asking& call, out_queue& queue, block_pool& pool) {
      auto&& next_bytes = from.more();
      const bytes_view bytes_given(next_bytes);
      if (call.list == nullptr) return false;
      queue.append(bytes_given, pool);
      return !bytes_given.empty();
    }
    P producer_;
  };

  /// Adds to `total` by how much `queue` grows, also when that ends in an exception.
  struct counted {
    counted(std::size_t& sum, const out_queue& grows) noexcept
        : total(sum), queue(grows), before(grows.size()) {}
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { total += queue.size() - before; }
    std::size_t& total;
    const out_queue& queue;
    const std::size_t before;
  };

  static std::uint32_t in_milliseconds(std::chrono::nanoseconds linger) noexcept {
    constexpr auto most = std::numeric_limits<std::uint32_t>::max();
    if (linger <= std::chrono::nanoseconds(0)) return 0;
    if (linger >= std::chrono::milliseconds(most)) return most;
    return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::milliseconds>(linger).count());
  }

  void append(item* one) noexcept {
    (last_ == nullptr ? first_ : last_->next) = one;
    last_ = one;
  }

  item* unlink_first() noexcept {
    item* const one = first_;
    first_ = one->next;
    if (first_ == nullptr) last_ = nullptr;
    size_ -= one->bytes.size();
    if (one->is_source) --producers_;
    return one;
  }
  void drop_first(block_pool& pool) noexcept {
    item* const one = unlink_first();
    one->bytes.clear(pool);
    delete one;
  }

  item* first_ = nullptr;
  item* last_ = nullptr;
  std::size_t size_ = 0;
  std::size_t producers_ = 0;
  asking* asked_ = nullptr;
  bool ends_ = false;
  std::uint32_t linger_ = 0;  // in milliseconds, so that it fits beside the flag
};

}  // namespace asyncore

#endif

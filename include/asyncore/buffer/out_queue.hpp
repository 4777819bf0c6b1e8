// SPDX-License-Identifier: BSL-1.0
/// Bytes that wait to be sent.
#ifndef ASYNCORE_BUFFER_OUT_QUEUE_HPP
#define ASYNCORE_BUFFER_OUT_QUEUE_HPP

#include <asyncore/word/bytes.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <span>

namespace asyncore {

/// A piece of an out-queue: a header with its bytes behind it.
struct out_block {
  static constexpr std::size_t allocation = 4096;
  static constexpr std::size_t header =
      sizeof(void*) + sizeof(std::size_t) + 2 * sizeof(std::uint32_t);

  out_block* next = nullptr;  // the queue is a ring: the last block points to the first
  std::size_t total = 0;      // in the last block: the bytes in the whole queue
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::byte storage[allocation - header];  // left uninitialised

  std::byte* bytes() noexcept { return storage; }
  static constexpr std::size_t capacity() noexcept { return sizeof storage; }
};
static_assert(sizeof(out_block) == out_block::allocation);

/// Keeps the blocks that queues have emptied for the next ones, so that sending allocates nothing
/// in steady state. One for each loop.
class block_pool {
 public:
  /// Blocks kept at most; 4 MiB of them.
  static constexpr std::size_t most_spare = 1024;

  block_pool() noexcept = default;
  block_pool(const block_pool&) = delete;
  block_pool& operator=(const block_pool&) = delete;
  ~block_pool() {
    while (spare_ != nullptr) ::operator delete(pop());
  }

  /// An empty block. Throws bad_alloc.
  out_block* take() {
    void* memory = spare_ != nullptr ? pop() : ::operator new(out_block::allocation);
    return new (memory) out_block;  // not {}, which would clear the bytes
  }

  void give(out_block* block) noexcept {
    if (spare_count_ == most_spare) {
      ::operator delete(block);
      return;
    }
    block->next = spare_;
    spare_ = block;
    ++spare_count_;
  }

 private:
  out_block* pop() noexcept {
    out_block* const block = spare_;
    spare_ = block->next;
    --spare_count_;
    return block;
  }

  out_block* spare_ = nullptr;
  std::size_t spare_count_ = 0;
};

/// The out-queue of a channel: a ring of blocks from the loop's pool. Empty, it is one null
/// pointer. Bytes do not move between `append` and `consume`, so that a send may still be under
/// way while more is appended. The owner clears it before its pool ends.
class out_queue {
 public:
  /// Pieces that `pieces` gives at most; well below IOV_MAX on every system.
  static constexpr std::size_t most_pieces = 64;

  out_queue() noexcept = default;
  out_queue(const out_queue&) = delete;
  out_queue& operator=(const out_queue&) = delete;

  bool empty() const noexcept { return last_ == nullptr || counts(); }

  /// The number of bytes that wait.
  std::size_t size() const noexcept { return empty() ? 0 : last_->total; }

  /// Copies `bytes` behind what is there. Throws bad_alloc, and then a part may have been
  /// appended.
  void append(bytes_view bytes, block_pool& pool) {
    while (!bytes.empty()) {
      if (empty() || last_->end == out_block::capacity()) add_block(pool);
      const std::size_t room = out_block::capacity() - last_->end;
      const std::size_t n = bytes.size() < room ? bytes.size() : room;
      std::memcpy(last_->bytes() + last_->end, bytes.data(), n);
      last_->end += static_cast<std::uint32_t>(n);
      last_->total += n;
      bytes = bytes.drop(n);
    }
  }

  /// The first bytes, at most `most` of them (at least 1), as `sendmsg` takes them; returns how
  /// many pieces there are.
  std::size_t pieces(std::span<iovec, most_pieces> into,
                     std::size_t most = std::numeric_limits<std::size_t>::max()) const noexcept {
    std::size_t count = 0;
    out_block* block = last_;
    if (empty()) return 0;
    do {
      block = block->next;
      const std::size_t here = block->end - block->begin;
      into[count++] = {block->bytes() + block->begin, here < most ? here : most};
      most -= into[count - 1].iov_len;
    } while (block != last_ && count < most_pieces && most > 0);
    return count;
  }

  /// Removes the first `n` bytes, which have been sent; `n` is at most `size()`.
  void consume(std::size_t n, block_pool& pool) noexcept {
    while (n > 0) {
      out_block* const first = last_->next;
      const std::size_t here = first->end - first->begin;
      if (n < here) {
        first->begin += static_cast<std::uint32_t>(n);
        last_->total -= n;
        return;
      }
      n -= here;
      last_->total -= here;
      drop_first(pool);
    }
  }

  /// Exchanges all bytes with `other`.
  void swap(out_queue& other) noexcept {
    out_block* const last = last_;
    last_ = other.last_;
    other.last_ = last;
  }

  void clear(block_pool& pool) noexcept {
    while (!empty()) drop_first(pool);
  }

  /// What an owner that sends no more has dropped. The empty queue keeps that in its one pointer,
  /// until bytes are appended.
  struct loss {
    std::size_t bytes = 0;
    bool producers = false;
  };
  /// Called while the queue is empty.
  void keep(loss lost) noexcept {
    const std::uintptr_t bits = (lost.bytes << 2) | (lost.producers ? 2u : 0u) | counts_bit;
    last_ = reinterpret_cast<out_block*>(bits);
  }
  loss kept() const noexcept {
    if (!counts()) return {};
    return {static_cast<std::size_t>(bits() >> 2), (bits() & 2u) != 0};
  }

 private:
  static constexpr std::uintptr_t counts_bit = 1;  // 0 in the address of a block

  std::uintptr_t bits() const noexcept { return reinterpret_cast<std::uintptr_t>(last_); }
  bool counts() const noexcept { return (bits() & counts_bit) != 0; }

  void add_block(block_pool& pool) {
    out_block* const block = pool.take();
    if (empty()) {
      block->next = block;
    } else {
      block->total = last_->total;
      block->next = last_->next;
      last_->next = block;
    }
    last_ = block;
  }

  void drop_first(block_pool& pool) noexcept {
    out_block* const first = last_->next;
    if (first == last_) {
      last_ = nullptr;
    } else {
      last_->next = first->next;
    }
    pool.give(first);
  }

  out_block* last_ = nullptr;
};

}  // namespace asyncore

#endif

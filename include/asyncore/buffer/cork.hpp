// SPDX-License-Identifier: BSL-1.0
/// Where the bytes gather that a channel sends while its own reading hook runs.
#ifndef ASYNCORE_BUFFER_CORK_HPP
#define ASYNCORE_BUFFER_CORK_HPP

#include <asyncore/word/bytes.hpp>

#include <cstddef>
#include <cstring>
#include <cstdint>
#include <span>
#include <utility>

namespace asyncore {

/// One buffer for all channels of a loop, since one such hook runs at a time. What a hook sends of
/// the very bytes that it was given is not copied. Made at the first use.
class send_stage {
 public:
  static constexpr std::size_t capacity = 65536;

  send_stage() noexcept = default;
  send_stage(const send_stage&) = delete;
  send_stage& operator=(const send_stage&) = delete;
  ~send_stage() { delete[] buffer_; }

  /// Makes the stage `owner`'s until `take`; false when it is somebody's.
  bool open(const void* owner) noexcept {
    if (owner_ != nullptr) [[unlikely]]
      return false;
    owner_ = owner;
    size_ = 0;
    return true;
  }
  bool belongs_to(const void* owner) const noexcept { return owner_ == owner; }

  /// True while the hook runs for which the stage was opened, also when its owner gave it up.
  bool is_open() const noexcept { return owner_ != nullptr; }

  /// The same for a hook that has no use for it; false when it is open.
  bool open_for_nobody() noexcept {
    if (owner_ != nullptr) [[unlikely]]
      return false;
    owner_ = this;
    return true;
  }

  /// The number of bytes gathered for its owner.
  std::size_t size() const noexcept { return owner_ == nullptr ? 0 : size_; }

  /// Adds bytes; false when there is no room. `lender`: a buffer that stays as it is until `take`,
  /// of which nothing is copied at first. Throws bad_alloc at the first use.
  bool append(bytes_view bytes, std::span<const std::byte> lender) {
    if (size_ == 0 && lies_in(bytes, lender)) [[likely]] {
      data_ = bytes.data();
      size_ = bytes.size();
      return true;
    }
    return append_copy(bytes);
  }

  /// What has been gathered for its owner, who has sent the first `n` bytes.
  bytes_view gathered() const noexcept { return {data_, size_}; }
  void drop(std::size_t n) noexcept {
    data_ += n;
    size_ -= n;
    if (size_ == 0) data_ = buffer_;
    count(n);
  }

  /// Bytes were sent inside of a hook. `has_sent`: whether so many, since it was last true.
  void count(std::size_t sent) noexcept { sent_ += sent; }
  bool has_sent(std::size_t bytes) noexcept {
    if (sent_ < bytes) return false;
    sent_ = 0;
    return true;
  }

  /// The error of a send inside of a hook, which `whose` tells of when that has returned: one at a
  /// time. 0: there is none.
  /// @{
  bool has_failure() const noexcept { return failure_ != 0; }
  void keep_failure(const void* whose, std::ptrdiff_t error) noexcept {
    failed_ = whose;
    failure_ = error;
  }
  std::ptrdiff_t take_failure(const void* whose) noexcept {
    if (failed_ != whose) return 0;
    failed_ = nullptr;
    return std::exchange(failure_, 0);
  }
  /// @}

  /// Gives the bytes to the owner, and the stage up, at the end of the hook. They are valid until
  /// the next `append`, or as long as the lender's.
  bytes_view take() noexcept {
    owner_ = nullptr;
    return {data_, size_};
  }

  /// The same while the hook goes on: until `close` nobody has the stage.
  bytes_view give_up() noexcept {
    owner_ = this;
    return {data_, std::exchange(size_, 0)};
  }
  void close() noexcept { owner_ = nullptr; }

  /// Closes a stage at the end of a hook.
  class open_scope {
   public:
    explicit open_scope(send_stage& stage) noexcept : stage_(stage) {}
    open_scope(const open_scope&) = delete;
    open_scope& operator=(const open_scope&) = delete;
    ~open_scope() { stage_.close(); }

   private:
    send_stage& stage_;
  };

 private:
  /// Copies what has been borrowed.
  void borrow_no_more() {
    if (buffer_ == nullptr) buffer_ = new std::byte[capacity];
    if (size_ > 0 && data_ != buffer_) std::memcpy(buffer_, data_, size_);
    data_ = buffer_;
  }

  bool append_copy(bytes_view bytes) {
    if (bytes.size() > capacity - size_) return false;
    if (data_ != buffer_ || buffer_ == nullptr) borrow_no_more();
    std::memcpy(buffer_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
    return true;
  }

  /// What begins in a buffer ends there, too.
  static bool lies_in(bytes_view bytes, std::span<const std::byte> lender) noexcept {
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(bytes.data()) -
                               reinterpret_cast<std::uintptr_t>(lender.data());
    return offset < lender.size();
  }

  const void* owner_ = nullptr;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::byte* buffer_ = nullptr;
  const void* failed_ = nullptr;
  std::ptrdiff_t failure_ = 0;
  std::size_t sent_ = 0;
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// Where what other threads give to a loop waits for it.
#ifndef ASYNCORE_LOOP_MAILBOX_HPP
#define ASYNCORE_LOOP_MAILBOX_HPP

#include <utility>

namespace asyncore::detail {

/// A function that waits to be called in the loop's thread, or, with null, only destroyed.
struct posted {
  void (*act)(posted*, void* loop);
  posted* next = nullptr;
};

/// Where they wait: any thread pushes, the loop takes all at once. By the compilers' builtins, as
/// in stop_flag.hpp. The protocol of the wake-up is modelled in test/model/wake_up.pml.
class mailbox {
 public:
  mailbox() noexcept = default;
  mailbox(const mailbox&) = delete;
  mailbox& operator=(const mailbox&) = delete;
  ~mailbox() { close(); }

  /// Thread-safe. True: the loop waits, and the caller has to wake it; nobody else will. A closed
  /// one destroys `p` at once.
  bool push(posted* p) noexcept {
    p->next = __atomic_load_n(&head_, __ATOMIC_RELAXED);
    do {
      if (p->next == &end_) {
        p->act(p, nullptr);
        return false;
      }
    } while (!__atomic_compare_exchange_n(&head_, &p->next, p, true, __ATOMIC_SEQ_CST,
                                          __ATOMIC_RELAXED));
    return __atomic_load_n(&asleep_, __ATOMIC_SEQ_CST) &&
           __atomic_exchange_n(&asleep_, false, __ATOMIC_SEQ_CST);
  }

  /// Says that the loop is about to wait; false: it must not, there is something.
  bool fall_asleep() noexcept {
    // Whoever has pushed since it fell asleep has woken it, or is about to.
    if (__atomic_load_n(&asleep_, __ATOMIC_SEQ_CST)) return true;
    // First the word, then the look: whoever pushes later sees the word.
    __atomic_store_n(&asleep_, true, __ATOMIC_SEQ_CST);
    if (empty()) return true;
    wake_up();
    return false;
  }
  void wake_up() noexcept { __atomic_store_n(&asleep_, false, __ATOMIC_SEQ_CST); }

  /// For the loop, as what follows.
  bool empty() const noexcept {
    if (first_ != nullptr) return false;
    const posted* const head = __atomic_load_n(&head_, __ATOMIC_SEQ_CST);
    return head == nullptr || head == &end_;
  }

  /// What was pushed first is the first that `next` gives; null at the end of what there was at the
  /// last `collect`, which does nothing while some of that is left.
  /// @{
  void collect() noexcept {
    if (first_ == nullptr) first_ = take();
  }
  posted* next() noexcept {
    return first_ == nullptr ? nullptr : std::exchange(first_, first_->next);
  }
  bool collected() const noexcept { return first_ != nullptr; }
  /// @}

  /// Nobody will call what is in it, or is pushed later: destroys all of it.
  void close() noexcept {
    posted* last = __atomic_exchange_n(&head_, &end_, __ATOMIC_SEQ_CST);
    posted* newer = last == &end_ ? nullptr : in_order(last);
    while (posted* const p = next()) p->act(p, nullptr);
    first_ = newer;
    while (posted* const p = next()) p->act(p, nullptr);
  }

  /// Thread-safe.
  bool is_closed() const noexcept { return __atomic_load_n(&head_, __ATOMIC_SEQ_CST) == &end_; }

 private:
  posted* take() noexcept {
    if (is_closed()) return nullptr;  // by the loop's thread, as this is called
    return in_order(__atomic_exchange_n(&head_, nullptr, __ATOMIC_SEQ_CST));
  }

  static posted* in_order(posted* last) noexcept {
    posted* first = nullptr;
    while (last != nullptr) {
      posted* const before = last->next;
      last->next = first;
      first = last;
      last = before;
    }
    return first;
  }

  static inline posted end_{nullptr};  // what a closed one begins with

  posted* first_ = nullptr;  // taken, and to be called
  posted* head_ = nullptr;
  bool asleep_ = true;     // until the loop has looked: the first post wakes it
};

}  // namespace asyncore::detail

#endif

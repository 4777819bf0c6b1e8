// SPDX-License-Identifier: BSL-1.0
/// An intrusive list: membership without allocation, leaving in constant time.
#ifndef ASYNCORE_WORD_LIST_NODE_HPP
#define ASYNCORE_WORD_LIST_NODE_HPP

namespace asyncore {

/// A member of at most one circular list; the head of a list is a node too.
/// A node leaves its list when it is destroyed.
class list_node {
 public:
  list_node() noexcept = default;
  list_node(const list_node&) = delete;
  list_node& operator=(const list_node&) = delete;
  ~list_node() { unlink(); }

  /// True when the node is in no list, or is the head of an empty one.
  bool unlinked() const noexcept { return next_ == this; }

  /// The first node of the list whose head this is; the head itself when the list is empty.
  list_node* front() noexcept { return next_; }

  /// The node behind this one; behind the last one is the head.
  list_node* after() const noexcept { return next_; }

  /// Leaves the list, if it is in one.
  void unlink() noexcept {
    next_->prev_ = prev_;
    prev_->next_ = next_;
    next_ = prev_ = this;
  }

  /// Moves to the end of the list of `head`.
  void link_before(list_node& head) noexcept {
    unlink();
    link_alone_before(head);
  }

  /// `link_before` for a node that is in no list.
  void link_alone_before(list_node& head) noexcept {
    next_ = &head;
    prev_ = head.prev_;
    prev_->next_ = this;
    head.prev_ = this;
  }

  /// Takes over all nodes of `other`, which is empty afterwards; this head must be empty.
  void take(list_node& other) noexcept {
    if (other.unlinked()) return;
    next_ = other.next_;
    prev_ = other.prev_;
    next_->prev_ = prev_->next_ = this;
    other.next_ = other.prev_ = &other;
  }

 private:
  list_node* next_ = this;
  list_node* prev_ = this;
};

}  // namespace asyncore

#endif

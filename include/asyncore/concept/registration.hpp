// SPDX-License-Identifier: BSL-1.0
/// What a loop knows of one channel, whatever its type.
#ifndef ASYNCORE_CONCEPT_REGISTRATION_HPP
#define ASYNCORE_CONCEPT_REGISTRATION_HPP

#include <asyncore/concept/fwd.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/interest.hpp>
#include <asyncore/word/list_node.hpp>
#include <asyncore/word/run_holds.hpp>
#include <asyncore/word/token.hpp>

#include <cstdint>
#include <system_error>

namespace asyncore {

/// The part of a channel that its loop and its map work with. `TypeRef` names the channel's type
/// at run time: a small number in a closed set, a table of functions in an open one.
/// As a list node it is in one list of its loop: to be asked every turn, to be visited before the
/// next wait, closed, idle (it has left the map), or none.
template <class TypeRef>
class registration : public list_node {
 public:
  using type_ref = TypeRef;

  /// The descriptor, -1 for none, and the generation, 0 while the channel is in no loop.
  token id() const noexcept { return id_; }

  /// True while the channel is in its loop's map.
  bool registered() const noexcept { return id_.generation != 0; }

  /// True when the channel has closed, and has not been opened again.
  bool has_closed() const noexcept { return closed_; }

  /// True when its hangup has been dispatched: the poller reports nothing more.
  bool hung_up() const noexcept { return hung_up_; }

  /// True when its loop destroys it.
  bool owned() const noexcept { return owned_; }

  /// True while timers wait that end with the channel.
  bool has_timers() const noexcept { return has_timers_; }

  /// Has the processor fetch what an event needs of a channel. (g++ 12 drops a call that is not
  /// inlined: it does nothing else.)
  [[gnu::always_inline]] void fetch() const noexcept {
    const char* const first = reinterpret_cast<const char*>(this);
    __builtin_prefetch(first);
    __builtin_prefetch(first + 63);
  }

  /// The channel's type, for its `channel_set`.
  TypeRef type() const noexcept { return type_; }

 protected:
  explicit registration(TypeRef type) noexcept : type_(type) {}
  ~registration() = default;

  /// Names the descriptor of a channel that is in no loop; -1: it has none.
  void set_descriptor(int fd) noexcept { id_ = {fd, 0}; }

  /// Notes that the errno `error` ends the channel, for its hooks; 0 is none. The first one counts.
  void note_reason(int error) noexcept {
    if (reason_ == 0) reason_ = static_cast<std::uint16_t>(error & 0xfff);
  }
  void forget_reason() noexcept { reason_ = 0; }
  /// Why the channel ends; empty for an end that the program or the peer asked for.
  std::error_code end_reason() const noexcept {
    return reason_ == 0 ? std::error_code() : errno_code(reason_);
  }

  /// Whether the channel has counted what it dropped.
  bool counts_loss() const noexcept { return counts_loss_; }
  void start_counting_loss() noexcept { counts_loss_ = 1; }

  /// Whether a shutdown that waits for what is to be sent ends reading, too.
  bool shuts_reading() const noexcept { return shuts_reading_; }
  void set_shuts_reading(bool both) noexcept { shuts_reading_ = both ? 1 : 0; }

  /// Has `run` go on for it, or not.
  void set_unref(bool unref, detail::run_holds& holds) noexcept {
    if (registered()) {
      holds.remove_unref(unref_);
      holds.add_unref(unref);
    }
    unref_ = unref;
  }

  /// Of the loops that watch the same socket, some may be woken and not all. Before the first wait.
  void set_exclusive() noexcept { exclusive_ = true; }

 private:
  template <class, class>
  friend class detail::registry;
  template <class, class>
  friend class detail::interest_pass;
  template <class, class>
  friend class detail::dispatch;
  template <class, class>
  friend class detail::hook_errors;
  template <class>
  friend class detail::bound_timers;

  token id_;
  TypeRef type_;
  interest armed_ = interest::none;  // what the channel was last found to want
  bool polled_ : 1 = false;          // the poller knows the descriptor
  bool paused_ : 1 = false;          // and watches for reading, too, though armed_ does not say so
  bool owned_ : 1 = false;           // its loop destroys it
  bool closed_ : 1 = false;          // for good; in a list it waits for its last hook or destruction
  bool every_turn_ : 1 = false;      // its predicates are asked before each wait
  bool hung_up_ : 1 = false;         // its hangup has been dispatched
  bool threw_ : 1 = false;           // what it was asked before this wait
  bool exclusive_ : 1 = false;       // one of several loops is enough to be woken for it
  // Since it was opened:
  std::uint16_t reason_ : 12 = 0;      // the errno that ends it
  std::uint16_t counts_loss_ : 1 = 0;  // its out-queue holds what was dropped
  std::uint16_t shuts_reading_ : 1 = 0;
  std::uint16_t unref_ : 1 = 0;        // `run` does not go on for it
  std::uint16_t has_timers_ : 1 = 0;   // of its own, which end with it
};

}  // namespace asyncore

#endif

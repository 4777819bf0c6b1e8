// SPDX-License-Identifier: BSL-1.0
/// The least that a poller is, for whoever writes one.
#pragma once

#include <asyncore/concept/poller.hpp>

#include "system.hpp"

namespace archetype {

/// Watches nothing and reports nothing. A poller of one's own is a class with these members, given
/// to a loop as in `asyncore::basic_loop<archetype::poller, asyncore::fd_table<>>`; the library
/// needs no other word about it. concept/poller.hpp says what each member promises.
class poller {
 public:
  /// What messages call it; anything that converts to a string_view.
  static constexpr char name[] = "inert";

  /// The calls that channels make under this poller; most pollers say `asyncore::posix_system`.
  using system = archetype::system;

  // A loop is constructed from what its poller is constructed from, in place.
  poller() = default;
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  /// From now on the token's descriptor is watched, and its readiness reported under this token,
  /// generation and all. The interest may be none: then only what cannot be masked is reported. An
  /// error says that nothing is watched; it reaches `handle_error` of the channel.
  std::error_code add(asyncore::token, asyncore::interest) { return {}; }

  /// The same for what is watched already: other interest, perhaps a new generation.
  std::error_code modify(asyncore::token, asyncore::interest) { return {}; }

  /// The descriptor is not watched any more; it may be closed and its number reused at once.
  void remove(asyncore::token) noexcept {}

  /// Waits until something is ready, at most as long as the timeout says (for ever without one, not
  /// at all when it is zero or less; rounded up, never down), and calls `sink(token, readiness)`
  /// once for each descriptor that is. Returns how often it did, or a negative errno: -EINTR when a
  /// signal ended the wait, anything else is thrown out of `run`. The sink may call all members but
  /// this one, so arrays may move and shrink under a loop over them. What it throws passes through,
  /// and the next wait reports what was left.
  template <class Sink>
  int wait(asyncore::timeout_type, Sink) {
    return 0;
  }
};

static_assert(asyncore::poller<poller>);

/// The three things that a poller may have besides.
class poller_with_all : public poller {
 public:
  using system = stateful_system;

  /// The first descriptor that it cannot watch; channels for it are refused when they are added.
  static constexpr int fd_limit = 1024;

  /// The object behind `system`, when that has state.
  system& get_system() noexcept { return system_; }

  /// A descriptor that is readable when something is ready, so that the loop can sit in another.
  int native_handle() const noexcept { return -1; }

 private:
  system system_;
};

static_assert(asyncore::poller<poller_with_all>);

}  // namespace archetype

// SPDX-License-Identifier: BSL-1.0
/// Signals as a channel.
#pragma once

#include <signal.h>

#include <asyncore.hpp>

/// On SIGTERM and SIGINT closes every channel of the loop, so that `run` returns.
template <class Derived, class Loop>
struct leave_on_signal : asyncore::signal_channel<Derived, Loop> {
  explicit leave_on_signal(Loop& loop)
      : asyncore::signal_channel<Derived, Loop>(loop, {SIGTERM, SIGINT}) {}

  void handle_signal(int) { this->loop().close_all(true); }

  /// A server that no signal reaches cannot leave well: the exception ends it.
  void handle_error() { throw; }
};

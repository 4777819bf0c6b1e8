// SPDX-License-Identifier: BSL-1.0
/// Signals as a channel, for servers that leave well.
#pragma once

#include <signal.h>

#include <asyncore.hpp>
#include <asyncore/loop_group.hpp>

#include "limits.hpp"

/// On SIGTERM and SIGINT the loop, or all loops of its group, accept no more, let their connections
/// finish for at most `limits.patience`, and end. From then on these signals end the process.
template <class Derived, class Loop>
struct drain_on_signal : asyncore::signal_channel<Derived, Loop> {
  explicit drain_on_signal(Loop& loop, asyncore::loop_group<Loop>* group = nullptr)
      : asyncore::signal_channel<Derived, Loop>(loop, {SIGTERM, SIGINT}), group_(group) {}

  void handle_signal(int) {
    if (group_ == nullptr) return this->loop().drain(limits.patience);
    group_->post_each([](Loop& loop) { loop.drain(limits.patience); });
    group_->finish();
  }

  /// A server that no signal reaches cannot leave well: the exception ends it.
  void handle_error() { throw; }

 private:
  asyncore::loop_group<Loop>* group_;
};

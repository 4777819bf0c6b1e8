// SPDX-License-Identifier: BSL-1.0
/// Signals as a channel.
#pragma once

#include <signal.h>

#include <asyncore.hpp>
#include <asyncore/loop_group.hpp>

/// On SIGTERM and SIGINT closes every channel of the loop, or of all loops of its group, so that
/// `run` returns.
template <class Derived, class Loop>
struct leave_on_signal : asyncore::signal_channel<Derived, Loop> {
  explicit leave_on_signal(Loop& loop, asyncore::loop_group<Loop>* group = nullptr)
      : asyncore::signal_channel<Derived, Loop>(loop, {SIGTERM, SIGINT}), group_(group) {}

  void handle_signal(int) {
    if (group_ == nullptr) return this->loop().close_all(true);
    group_->post_each([](Loop& loop) { loop.close_all(true); });
    group_->finish();
  }

 private:
  asyncore::loop_group<Loop>* group_;
};

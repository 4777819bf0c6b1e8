// SPDX-License-Identifier: BSL-1.0
/// Signals as a channel.
#pragma once

#include <signal.h>
#include <sys/signalfd.h>

#include <asyncore.hpp>

/// On SIGTERM and SIGINT closes every channel of the loop, so that its `run` returns.
template <class Derived, class Loop>
struct leave_on_signal : asyncore::file_dispatcher<Derived, Loop> {
  explicit leave_on_signal(Loop& loop) : asyncore::file_dispatcher<Derived, Loop>(loop) {
    sigset_t leaving;
    ::sigemptyset(&leaving);
    ::sigaddset(&leaving, SIGTERM);
    ::sigaddset(&leaving, SIGINT);
    ::sigprocmask(SIG_BLOCK, &leaving, nullptr);
    const asyncore::unique_fd signals(::signalfd(-1, &leaving, SFD_NONBLOCK | SFD_CLOEXEC));
    this->set_file(signals.get());  // which watches a duplicate
  }

  void handle_read() { this->loop().close_all(true); }
};

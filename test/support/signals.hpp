// SPDX-License-Identifier: BSL-1.0
/// Real signals for tests.
#pragma once

#include <signal.h>
#include <sys/time.h>

#include <cerrno>
#include <chrono>

namespace test {

/// While it lives, `number` is counted, and `action` called in the handler; system calls that the
/// signal interrupts are not restarted by the kernel. One at a time for each number.
class signal_watch {
 public:
  using action_type = void (*)();

  explicit signal_watch(int number, action_type action = nullptr) : number_(number) {
    count_ = 0;
    action_ = action;
    struct sigaction handler{};
    handler.sa_handler = [](int) {
      const int before = errno;
      count_ = count_ + 1;
      if (action_ != nullptr) action_();
      errno = before;
    };
    ::sigaction(number_, &handler, &before_);
  }
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;
  ~signal_watch() {
    ::signal(number_, SIG_IGN);  // drops one that is pending
    ::sigaction(number_, &before_, nullptr);
  }

  /// How often it came.
  int count() const { return count_; }

 private:
  static inline volatile sig_atomic_t count_ = 0;
  static inline action_type volatile action_ = nullptr;
  int number_;
  struct sigaction before_ {};
};

/// Raises SIGALRM again and again, `every` apart, while it lives.
class alarms {
 public:
  explicit alarms(std::chrono::microseconds every, signal_watch::action_type action = nullptr)
      : watch_(SIGALRM, action) {
    const timeval step{every.count() / 1'000'000, every.count() % 1'000'000};
    const itimerval timer{step, step};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }
  alarms(const alarms&) = delete;
  alarms& operator=(const alarms&) = delete;
  ~alarms() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
  }

  int count() const { return watch_.count(); }

 private:
  signal_watch watch_;
};

}  // namespace test

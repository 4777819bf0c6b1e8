// SPDX-License-Identifier: BSL-1.0
/// A channel on which signals arrive.
#ifndef ASYNCORE_SIGNAL_CHANNEL_HPP
#define ASYNCORE_SIGNAL_CHANNEL_HPP

#include <asyncore/channel.hpp>
#include <asyncore/concept/fwd.hpp>
#include <asyncore/concept/hooks.hpp>
#include <asyncore/sys/signal_pipe.hpp>

#include <cstdio>
#include <initializer_list>
#include <type_traits>

namespace asyncore {

/// Calls `handle_signal(int)` of `Derived` in a turn of its loop, where a hook may do everything
/// that a signal handler may not. While the channel is open the signals that it watches have no
/// other effect, in no thread; afterwards they do again what they did before. A signal has one
/// channel in a process at a time. Signals that come faster than they are handled may be merged, as
/// by the kernel, but the last one is never lost. By a pipe that a handler writes to, and not by
/// signalfd: no thread has to block the signals, and the programs that are run inherit nothing. In a
/// forked process the signals do again what they did before, and another channel may watch them.
/// Like any channel it keeps `run` going until it closes.
template <class Derived, class Loop = default_loop>
class signal_channel : public channel<Derived, Loop> {
  friend detail::kind_tag<signal_channel, detail::calls_signal> asyncore_kind(signal_channel*) {
    return {};
  }
  using base = channel<Derived, Loop>;

 public:
  /// A channel that watches nothing yet.
  explicit signal_channel(Loop& loop) noexcept : base(loop) {}

  /// Watches `numbers`, such as SIGTERM. Throws as `watch`.
  signal_channel(Loop& loop, std::initializer_list<int> numbers) : base(loop) {
    for (const int number : numbers) watch(number);
  }

  /// With the default loop, the loop may be left out: it is this thread's.
  explicit signal_channel(std::initializer_list<int> numbers)
    requires std::is_same_v<Loop, default_loop>
      : signal_channel(this_thread_loop<Loop>(), numbers) {}

  /// Watches `number`, too. Throws `std::system_error`, which names the number:
  /// `invalid_argument` for a signal that does not exist, that cannot be caught, or that reports a
  /// fault of the program (SIGSEGV, SIGBUS, SIGFPE, SIGILL), which cannot wait for a turn;
  /// `device_or_resource_busy` when another channel watches it; what making a pipe fails with; and
  /// as `add_channel`. Or reports by `failed`.
  void watch(int number) {
    std::error_code failed;
    watch(number, failed);
    if (failed) refuse(number, failed);
  }
  void watch(int number, std::error_code& failed) {
    const bool is_first = !pipe_.is_open();
    if (is_first) {
      failed = error_of(pipe_.open());
      if (failed) return;
      this->set_descriptor(pipe_.native_handle());
      this->add_channel(failed);
      if (failed) return release();
    }
    failed = error_of(pipe_.watch(number));
    if (failed && is_first) abandon();  // it watches nothing, and would keep `run` going
  }

  /// Leaves the loop; the signals do again what they did before.
  void close() noexcept {
    base::close();
    release();
  }

  /// Gives what has come to `handle_signal`, one after the other: what is behind one whose hook
  /// throws waits for the next turn.
  void handle_read() {
    static_assert(detail::defines_handle_signal<Derived>(),
                  "asyncore: a signal_channel defines `void handle_signal(int)`");
    auto& loop = this->core();
    const token id = this->id();
    for (int left = most_a_turn; left > 0 && loop.alive(id); --left) {
      const int number = pipe_.take();
      if (number == 0) return;
      this->derived().handle_signal(number);
    }
  }

  void abandon() noexcept {
    this->del_channel();
    release();
  }

 protected:
  ~signal_channel() { abandon(); }

 private:
  static constexpr int most_a_turn = 64;

  [[noreturn]] ASYNCORE_COLD static void refuse(int number, std::error_code failed) {
    char text[80];
    std::snprintf(text, sizeof text, "watch signal %d%s", number,
                  signal_pipe::is_fault(number) ? ", a fault that cannot wait for a turn" : "");
    detail::throw_error(failed, text);
  }
  static std::error_code error_of(int status) noexcept {
    return status < 0 ? errno_code(-status) : std::error_code();
  }
  void release() noexcept {
    this->set_descriptor(-1);
    pipe_.close();
  }

  signal_pipe pipe_;
};

}  // namespace asyncore

#endif

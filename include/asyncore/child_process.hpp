// SPDX-License-Identifier: BSL-1.0
/// Another program that is run, and whose end is a hook.
#ifndef ASYNCORE_CHILD_PROCESS_HPP
#define ASYNCORE_CHILD_PROCESS_HPP

#include <asyncore/channel.hpp>
#include <asyncore/concept/fwd.hpp>
#include <asyncore/sys/child_watch.hpp>
#include <asyncore/sys/left_children.hpp>
#include <asyncore/sys/spawn.hpp>

#include <type_traits>
#include <utility>

#include <sys/wait.h>

namespace asyncore {

/// How a program has ended: by an exit, by a signal, or unknown, as when somebody else has waited
/// for it, or SIGCHLD is ignored.
struct exit_status {
  int raw = -1;  // as waitpid(2) has it; -1: unknown

  bool exited() const noexcept { return raw >= 0 && WIFEXITED(raw); }
  /// What it gave to exit, from 0 to 255; -1 when it did not.
  int code() const noexcept { return exited() ? WEXITSTATUS(raw) : -1; }
  bool killed() const noexcept { return raw >= 0 && WIFSIGNALED(raw); }
  /// The signal that ended it; 0 when none did.
  int signal() const noexcept { return killed() ? WTERMSIG(raw) : 0; }
};

/// Runs a program, and calls `handle_exit(exit_status)` of `Derived` in a turn when it has ended;
/// then the channel closes, unless the hook has started another one. The program's pipes are given
/// to whoever starts it, for channels of any kind: a `file_dispatcher`, or with an out-queue or
/// lines a `dispatcher_with_send<..., file_transport>` or `async_chat<..., file_transport>`. What
/// it wrote last may be read after its exit. By a pidfd where there is one (Linux 5.3), else by
/// SIGCHLD, which a `signal_channel` or a handler of the program's may watch, too. While the
/// channel lives the program is its own: to close or to destroy it kills the program (SIGKILL) and
/// waits for it, so that there are no zombies. A program that may not be killed, as a setuid one,
/// runs on; a later `start` or `close` of any child_process waits for it when it has ended. Like
/// any channel it keeps `run` going.
template <class Derived, class Loop = default_loop>
class child_process : public channel<Derived, Loop> {
  friend detail::kind_tag<child_process, detail::calls_exit> asyncore_kind(child_process*) {
    return {};
  }
  using base = channel<Derived, Loop>;

 public:
  /// A channel that runs nothing yet.
  explicit child_process(Loop& loop) noexcept : base(loop) {}

  /// With the default loop, the loop may be left out: it is this thread's.
  child_process()
    requires std::is_same_v<Loop, default_loop>
      : child_process(this_thread_loop<Loop>()) {}

  /// Runs `what` and enters the loop; returns this program's ends of the pipes. Throws
  /// `std::system_error`, which names the program, or reports by `failed`: what exec, or making a
  /// pipe or a process, fails with; `device_or_resource_busy` while one runs; and as `add_channel`.
  /// bad_alloc.
  child_pipes start(const command& what) {
    std::error_code failed;
    child_pipes pipes = start(what, failed);
    detail::throw_if(failed, detail::joined({"run ", what.program}));
    return pipes;
  }
  child_pipes start(const command& what, std::error_code& failed);

  /// The number of the process, -1 when none runs.
  pid_t pid() const noexcept { return pid_; }

  /// Sends it a signal, such as SIGTERM; reports by `failed`: `no_such_process` when none runs.
  void send_signal(int number, std::error_code& failed) noexcept {
    const int status = pid_ < 0 ? -ESRCH : watch_.send_signal(pid_, number);
    failed = status < 0 ? errno_code(-status) : std::error_code();
  }
  void send_signal(int number) {
    std::error_code failed;
    send_signal(number, failed);
    detail::throw_if(failed, "send a signal to a program");
  }

  /// Kills the program, if it runs, and leaves the loop. Blocks until the kernel has ended it; not
  /// when it may not be killed.
  void close() noexcept {
    base::close();
    release();
  }

  /// False: by SIGCHLD, also where there are pidfds; a class may define its own.
  static constexpr bool by_pidfd = ASYNCORE_HAS_PIDFD;

  /// Something has ended: looks whether it is this one.
  void handle_read();

  void abandon() noexcept {
    this->del_channel();
    release();
  }

 protected:
  ~child_process() { abandon(); }

 private:
  void release() noexcept {
    this->set_descriptor(-1);
    if (pid_ >= 0) end_program();
    watch_.close();
    pid_ = -1;
  }

  /// Signals nobody when somebody else has waited for it, or when another process has started it
  /// and has forked this one.
  void end_program() noexcept {
    detail::left_children::reap();
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
    if (watch_.send_signal(pid_, SIGKILL) < 0) return detail::left_children::add(pid_);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  }

  child_watch watch_;
  pid_t pid_ = -1;
};

template <class Derived, class Loop>
child_pipes child_process<Derived, Loop>::start(const command& what, std::error_code& failed) {
  child_pipes pipes;
  failed = {};
  if (pid_ >= 0) {
    failed = errno_code(EBUSY);
    return pipes;
  }
  const pid_t child = spawn(what, pipes);
  if (child < 0) {
    failed = errno_code(static_cast<int>(-child));
    return pipes;
  }
  abandon();
  detail::left_children::reap();
  detail::left_children::forget(child);
  pid_ = child;
  if (const int status = watch_.open(child, Derived::by_pidfd); status < 0) {
    failed = errno_code(-status);
  } else {
    this->set_descriptor(watch_.native_handle());
    this->add_channel(failed);
  }
  if (failed) {
    release();
    pipes = {};
  }
  return pipes;
}

template <class Derived, class Loop>
void child_process<Derived, Loop>::handle_read() {
  static_assert(detail::defines_handle_exit<Derived>(),
                "asyncore: a child_process defines `void handle_exit(asyncore::exit_status)`");
  watch_.drain();
  if (pid_ < 0) return this->derived().close();  // its hook threw
  exit_status ended;
  int status = 0;
  const pid_t found = ::waitpid(pid_, &status, WNOHANG);
  if (found == 0) return;
  if (found == pid_) ended.raw = status;
  pid_ = -1;
  watch_.ring();  // should the hook throw, and handle_error not close
  auto& loop = this->core();
  const token id = this->id();
  this->derived().handle_exit(ended);
  if (loop.alive(id)) this->derived().close();
}

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// The handler of the signals that signal_pipe and child_watch hear of.
#ifndef ASYNCORE_SYS_SIGNAL_HANDLER_HPP
#define ASYNCORE_SYS_SIGNAL_HANDLER_HPP

#include <asyncore/word/config.hpp>

#include <cerrno>

#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

namespace asyncore::detail {

/// What the process knows of one signal.
struct signal_entry {
  int pipe = -1;           // where the handler writes the number; -1: nowhere
  bool missed = false;     // it came while the pipe was full
  int listeners = 0;       // the pipe and calls of `listen`
  pid_t process = 0;       // of the listeners
  void (*tell)() = nullptr;
  struct sigaction before {};
  // The function of `before`, if it has one: one of the two is null.
  void (*plain)(int) = nullptr;
  void (*with_info)(int, siginfo_t*, void*) = nullptr;
};

/// One handler for all listeners of a signal, so that none of them undoes another one's. It is
/// installed while a signal has listeners. While a pipe watches a signal, nobody else sees it;
/// otherwise the handler calls the one before it. In a child after `fork` a signal does what it
/// did before there were listeners. Calls return 0 or a negative errno; any thread may make them.
class signal_handler {
 public:
  static constexpr int limit = 65;  // signals are below

  /// Has the handler write `number` to `fd`; `-EBUSY` while it writes to another descriptor.
  static int watch(int number, int fd) noexcept {
    if (number <= 0 || number >= limit) return -EINVAL;
    const locked lock;
    entry& e = entry_of(number);
    if (e.pipe >= 0) return e.pipe == fd ? 0 : -EBUSY;
    // First the pipe: the handler never finds a signal without one that ends the process.
    __atomic_store_n(&e.missed, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&e.pipe, fd, __ATOMIC_SEQ_CST);
    const int failed = install(number, e);
    if (failed != 0) __atomic_store_n(&e.pipe, -1, __ATOMIC_SEQ_CST);
    return failed;
  }

  /// Ends `watch` of all signals that are written to `fd`. No handler uses `fd` afterwards.
  static void unwatch(int fd) noexcept {
    unlink(fd);
    wait_until_left();
  }

  /// Has the handler call `tell`, of which there is one for a signal, until as many calls of
  /// `unlisten`.
  static int listen(int number, void (*tell)()) noexcept {
    const locked lock;
    entry& e = entry_of(number);
    __atomic_store_n(&e.tell, tell, __ATOMIC_SEQ_CST);
    return install(number, e);
  }
  static void unlisten(int number) noexcept {
    {
      const locked lock;
      if (entry& e = entry_of(number); e.listeners > 0) uninstall(number, e);
    }
    wait_until_left();
  }

  /// Forgets that `number` came while `fd` was full; returns whether it did.
  static bool missed(int number, int fd) noexcept {
    entry& e = entries_[number];
    return __atomic_load_n(&e.pipe, __ATOMIC_SEQ_CST) == fd &&
           __atomic_exchange_n(&e.missed, false, __ATOMIC_SEQ_CST);
  }
  /// True when any signal ever came while its pipe was full.
  static bool any_missed() noexcept { return __atomic_load_n(&any_missed_, __ATOMIC_SEQ_CST); }

 private:
  using entry = signal_entry;

  static void unlink(int fd) noexcept {
    const locked lock;
    for (int number = 1; number < limit; ++number) {
      if (entries_[number].pipe != fd) continue;
      entry& e = entry_of(number);
      if (e.pipe != fd) continue;  // of the process that forked this one
      uninstall(number, e);
      __atomic_store_n(&e.pipe, -1, __ATOMIC_SEQ_CST);
    }
  }

  /// The calls of the process, one at a time; handlers do not wait for them.
  struct locked {
    locked() noexcept {
      while (__atomic_exchange_n(&lock_, true, __ATOMIC_ACQUIRE)) ::sched_yield();
    }
    locked(const locked&) = delete;
    locked& operator=(const locked&) = delete;
    ~locked() { __atomic_store_n(&lock_, false, __ATOMIC_RELEASE); }
  };

  /// The listeners of another process, which has forked this one, do not count here.
  static entry& entry_of(int number) noexcept {
    entry& e = entries_[number];
    if (const pid_t self = ::getpid(); e.process != self) {
      __atomic_store_n(&e.pipe, -1, __ATOMIC_SEQ_CST);
      __atomic_store_n(&e.tell, nullptr, __ATOMIC_SEQ_CST);
      e.listeners = 0;
      __atomic_store_n(&e.process, self, __ATOMIC_SEQ_CST);
    }
    return e;
  }

  static bool is_own(const struct sigaction& action) noexcept {
    return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == &caught;
  }

  /// Whoever has replaced the handler since it was installed is called by it from now on.
  static int install(int number, entry& e) noexcept {
    struct sigaction current {};
    if (::sigaction(number, nullptr, &current) < 0) return -errno;
    if (!is_own(current)) {
      remember(e, current);
      struct sigaction action {};
      action.sa_sigaction = &caught;
      action.sa_mask = current.sa_mask;
      action.sa_flags = SA_RESTART | SA_SIGINFO | (current.sa_flags & SA_ONSTACK);
      if (::sigaction(number, &action, nullptr) < 0) return -errno;
    }
    ++e.listeners;
    return 0;
  }

  static void uninstall(int number, entry& e) noexcept {
    if (--e.listeners > 0) return;
    struct sigaction current {};
    if (::sigaction(number, nullptr, &current) == 0 && is_own(current))
      ::sigaction(number, &e.before, nullptr);
  }

  /// Neither SIG_DFL nor SIG_IGN is a function, whatever the flags say (sigaction(2)).
  static void remember(entry& e, const struct sigaction& current) noexcept {
    __atomic_store_n(&e.plain, nullptr, __ATOMIC_SEQ_CST);
    __atomic_store_n(&e.with_info, nullptr, __ATOMIC_SEQ_CST);
    e.before = current;
    if (current.sa_handler == SIG_DFL || current.sa_handler == SIG_IGN) return;
    if ((current.sa_flags & SA_SIGINFO) != 0) {
      __atomic_store_n(&e.with_info, current.sa_sigaction, __ATOMIC_SEQ_CST);
    } else {
      __atomic_store_n(&e.plain, current.sa_handler, __ATOMIC_SEQ_CST);
    }
  }

  static void caught(int number, siginfo_t* info, void* context) {
    if (calls_before_) return;  // called by the one before, which has been installed over this one
    const int saved = errno;
    entry& e = entries_[number];
    if (__atomic_load_n(&e.process, __ATOMIC_SEQ_CST) != ::getpid()) {
      ::sigaction(number, &e.before, nullptr);
      ::raise(number);  // it acts when this handler returns
      errno = saved;
      return;
    }
    __atomic_fetch_add(&running_, 1, __ATOMIC_SEQ_CST);
    const int fd = __atomic_load_n(&e.pipe, __ATOMIC_SEQ_CST);
    if (fd >= 0) write_number(number, fd, e);
    if (auto* const tell = __atomic_load_n(&e.tell, __ATOMIC_SEQ_CST)) tell();
    __atomic_fetch_sub(&running_, 1, __ATOMIC_SEQ_CST);
    errno = saved;
    if (fd < 0) call_before(e, number, info, context);
  }

  static void write_number(int number, int fd, entry& e) noexcept {
    const auto byte = static_cast<unsigned char>(number);
    ssize_t written = 0;
    do written = ::write(fd, &byte, 1);
    while (written < 0 && errno == EINTR);
    if (written > 0) return;  // else it is full of thousands that nobody has looked at
    __atomic_store_n(&e.missed, true, __ATOMIC_SEQ_CST);
    __atomic_store_n(&any_missed_, true, __ATOMIC_SEQ_CST);
  }

  static void call_before(entry& e, int number, siginfo_t* info, void* context) {
    const auto with_info = __atomic_load_n(&e.with_info, __ATOMIC_SEQ_CST);
    const auto plain = __atomic_load_n(&e.plain, __ATOMIC_SEQ_CST);
    struct sigaction current {};
    if (::sigaction(number, nullptr, &current) < 0 || has(current, plain, with_info))
      return;  // it is installed again, and calls this one
    calls_before_ = true;
    if (with_info != nullptr) {
      with_info(number, info, context);
    } else if (plain != nullptr) {
      plain(number);
    }
    calls_before_ = false;
  }

  static bool has(const struct sigaction& action, void (*plain)(int),
                  void (*with_info)(int, siginfo_t*, void*)) noexcept {
    return (action.sa_flags & SA_SIGINFO) != 0
               ? with_info != nullptr && action.sa_sigaction == with_info
               : plain != nullptr && action.sa_handler == plain;
  }

  /// A handler in another thread may be about to write to a descriptor that is to be closed.
  static void wait_until_left() noexcept {
    while (__atomic_load_n(&running_, __ATOMIC_SEQ_CST) != 0) ::sched_yield();
  }

  static inline entry entries_[limit];
  static inline int running_ = 0;  // handlers
  static inline bool any_missed_ = false;
  static inline bool lock_ = false;
  [[gnu::tls_model("initial-exec")]] static inline constinit thread_local bool calls_before_ =
      false;
};

}  // namespace asyncore::detail

#endif

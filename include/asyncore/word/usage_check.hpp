// SPDX-License-Identifier: BSL-1.0
/// What only a debug build looks after: who uses a loop, and whether it still lives.
#ifndef ASYNCORE_WORD_USAGE_CHECK_HPP
#define ASYNCORE_WORD_USAGE_CHECK_HPP

#include <asyncore/word/config.hpp>
#include <asyncore/word/log.hpp>

#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace asyncore::detail {

/// Ends the program with a sentence that says which rule it has broken.
[[noreturn]] ASYNCORE_COLD inline void misused(std::string_view sentence) {
  log(sentence);
  std::abort();
}

/// A local of a thread. One that is made behind a loop that is local to the thread, too, ends before
/// it, and so tells its end from that of a loop that a hook destroys.
template <bool Checked>
struct end_of_thread {};

template <>
struct end_of_thread<true> {
  end_of_thread() noexcept = default;
  end_of_thread(const end_of_thread&) = delete;
  end_of_thread& operator=(const end_of_thread&) = delete;
  ~end_of_thread() { reached = true; }
  static inline thread_local bool reached = false;
};

/// Knows which thread turns a loop. This one, of a build without checks, costs nothing.
template <bool Checked>
class usage_check {
 public:
  void enter() noexcept {}
  void leave() noexcept {}
  void same_thread() const noexcept {}
  void may_end(bool) const noexcept {}
};

template <>
class usage_check<true> {
 public:
  /// A turn of this thread begins and ends.
  void enter() noexcept {
    static thread_local const end_of_thread<true> marked;
    turning_.store(::pthread_self(), std::memory_order_relaxed);
  }
  void leave() noexcept { turning_.store({}, std::memory_order_relaxed); }

  /// Aborts when another thread turns the loop.
  void same_thread() const {
    const pthread_t thread = turning_.load(std::memory_order_relaxed);
    if (thread != pthread_t{} && thread != ::pthread_self())
      misused("asyncore: a loop is used by a second thread while it turns: only post and stop may "
              "be called there");
  }

  /// Aborts when a hook destroys its loop, in a turn or called otherwise. One that calls exit(3)
  /// may: it does not return, and what is local to the thread ends before the program's statics
  /// ([basic.start.term]).
  void may_end(bool in_hook) const {
    if ((in_hook || turning_.load(std::memory_order_relaxed) == ::pthread_self()) &&
        !end_of_thread<true>::reached)
      misused("asyncore: a loop is destroyed in one of its own hooks: stop it, and let run return");
  }

 private:
  std::atomic<pthread_t> turning_{};
};

/// Belongs to an object that others point to; its `watch` tells them when it is gone.
template <bool Checked>
struct liveness {
  struct watch {
    watch() noexcept = default;
    explicit watch(const liveness&) noexcept {}
    void still_lives(std::string_view) const noexcept {}
  };
};

template <>
struct liveness<true> {
  class watch {
   public:
    watch() noexcept = default;
    explicit watch(const liveness& of) noexcept : watched_(of.life_) {}
    /// Aborts with `sentence` when the object is gone.
    void still_lives(std::string_view sentence) const {
      if (watched_.expired()) misused(sentence);
    }

   private:
    std::weak_ptr<const char> watched_;
  };
  std::shared_ptr<const char> life_ = std::make_shared<const char>('\0');
};

}  // namespace asyncore::detail

#endif

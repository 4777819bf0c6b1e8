// SPDX-License-Identifier: BSL-1.0
/// What went wrong in a hook or in a call of the loop, and its way to `handle_error`.
#ifndef ASYNCORE_LOOP_HOOK_ERRORS_HPP
#define ASYNCORE_LOOP_HOOK_ERRORS_HPP

#include <asyncore/loop/channel_operations.hpp>
#include <asyncore/word/config.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/log.hpp>
#include <asyncore/word/token.hpp>

#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace asyncore::detail {

/// `Channels`: the `channel_set` of the loop. A `Core` finds the record of a token, says whether it
/// is in a turn, and is told that a hook has been called (`ask_again`).
template <class Core, class Channels>
class hook_errors {
 public:
  using record = typename Channels::record;

  /// The error last reported, for `handle_error` without exceptions.
  std::error_code last() const noexcept { return last_; }

  /// `run` or `poll` begins: an exception may have left the last turn.
  void reset() noexcept { in_handler_ = false; }

  /// To be called where a hook of the channel `t` threw. A `std::system_error` gets no other
  /// treatment: the channel's own calls report the peer's end by `handle_close` and throw nothing,
  /// so the exception is of another descriptor.
  ASYNCORE_COLD void hook_failed([[maybe_unused]] Core& core, [[maybe_unused]] token t) {
#if ASYNCORE_HAS_EXCEPTIONS
    core.ask_again();
    leave_handler();
    last_ = code_of_current();
    if (record* const r = core.find(t)) return call(core, *r);
    log_failure("a channel that has closed", last_);
#endif
  }

  /// To be called where a function that belongs to no channel threw.
  ASYNCORE_COLD void function_failed([[maybe_unused]] const char* of) {
#if ASYNCORE_HAS_EXCEPTIONS
    leave_handler();
    log_failure(of, {});
#endif
  }

  /// A call for `r` failed: reports it as an exception, where there are such.
  ASYNCORE_COLD void report(Core& core, record& r, std::error_code code,
                            [[maybe_unused]] std::string_view what) {
    core.ask_again();
    last_ = code;
#if ASYNCORE_HAS_EXCEPTIONS
    try {
      throw std::system_error(code, std::string(what));
    } catch (const std::system_error&) {
      call(core, r);
    }
#else
    call(core, r);
#endif
  }

  /// Calls `hook()`, the last one of a channel of the type `of`. What it throws is logged, because
  /// there is nobody else to tell; returns false for `exit_now`.
  template <class Hook>
  bool call_last_hook(Hook hook, [[maybe_unused]] std::string_view of) noexcept {
#if ASYNCORE_HAS_EXCEPTIONS
    bool goes_on = true;
    try {
      hook();
    } catch (const exit_now&) {
      goes_on = false;
    } catch (...) {
      try {
        log(joined({"error: uncaught exception from handle_closed of ", of, ": ",
                    current_error_text({})}));
      } catch (...) {  // there is no memory, or no log
      }
    }
    in_handler_ = false;
    return goes_on;
#else
    hook();
    return true;
#endif
  }

 private:
  /// While `handle_error` runs, its error is the reason of an end; not of one that follows later.
  class reason_scope {
   public:
    reason_scope(Core& core, record& r, std::error_code why) noexcept
        : core_(core), id_(r.id()), before_(r.reason_) {
      r.note_reason(errno_of(why));
    }
    reason_scope(const reason_scope&) = delete;
    reason_scope& operator=(const reason_scope&) = delete;
    ~reason_scope() {
      if (record* const r = core_.find(id_)) r->reason_ = before_ & 0xfff;
    }

   private:
    Core& core_;
    const token id_;
    const std::uint16_t before_;
  };

  /// Calls `handle_error`. What leaves it leaves `run`, through the hooks that are under way; but
  /// for a want of memory, which must not end the loop for everybody.
  ASYNCORE_COLD void call(Core& core, record& r) {
    const reason_scope scope(core, r, last_);
#if ASYNCORE_HAS_EXCEPTIONS
    const token id = r.id();
    in_handler_ = core.in_turn();
    try {
      Channels::template perform<op::error>(r);
    } catch (const exit_now&) {  // which no `hook_failed` sees
      in_handler_ = false;
      throw;
    } catch (const std::bad_alloc&) {
      log("error: there is no memory for handle_error");
      if (record* const left = core.find(id)) Channels::template perform<op::give_up>(*left);
    }
    in_handler_ = false;
#else
    Channels::template perform<op::error>(r);
#endif
  }

#if ASYNCORE_HAS_EXCEPTIONS
  /// What leaves `handle_error` is nobody's but the caller's of `run`.
  void leave_handler() {
    if (std::exchange(in_handler_, false)) throw;
  }

  static std::error_code code_of_current() noexcept {
    try {
      throw;
    } catch (const std::system_error& e) {
      return e.code();
    } catch (...) {
      return {};
    }
  }

  static void log_failure(const char* of, std::error_code code) {
    log_if_memory([&] {
      log(joined({"error: uncaught exception from ", of, ": ", current_error_text(code)}));
    });
  }
#endif

  std::error_code last_;
  bool in_handler_ = false;  // `handle_error` runs, called inside of another hook
};

}  // namespace asyncore::detail

#endif

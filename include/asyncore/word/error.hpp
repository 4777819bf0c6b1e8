// SPDX-License-Identifier: BSL-1.0
/// Errors: how set-up calls report them, and how they look without exceptions.
#ifndef ASYNCORE_WORD_ERROR_HPP
#define ASYNCORE_WORD_ERROR_HPP

#include <asyncore/word/config.hpp>

#if ASYNCORE_HAS_FORCED_UNWIND
#include <cxxabi.h>
#endif

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>

namespace asyncore {

/// Thrown by a hook to leave `run` and `poll`; it passes through them to their caller, as
/// Python's `ExitNow` does. No `handle_error` sees it.
struct exit_now : std::exception {
  const char* what() const noexcept override { return "asyncore::exit_now"; }
};

/// The error code of an errno value.
inline std::error_code errno_code(int value) noexcept { return {value, std::system_category()}; }

/// True for the errors that say the peer is gone (Python's `_DISCONNECTED`): a hook
/// `handle_close` answers them, not `handle_error`.
constexpr bool is_disconnect(int value) noexcept {
  return value == ECONNRESET || value == ENOTCONN || value == ESHUTDOWN ||
         value == ECONNABORTED || value == EPIPE || value == EBADF;
}

namespace detail {

/// The errno that `code` stands for; ECANCELED for what stands for none.
inline int errno_of(std::error_code code) noexcept {
  const bool known = code.category() == std::system_category() ||
                     code.category() == std::generic_category();
  return known && code.value() > 0 ? code.value() : ECANCELED;
}

/// True for the errors that say that the kernel is short of memory: they pass, and lose nothing.
constexpr bool is_shortage(std::ptrdiff_t value) noexcept {
  return value == -ENOBUFS || value == -ENOMEM;
}

/// The texts behind each other. (g++ 12 at -O3 warns of `"literal" + string`: GCC bug 105651.)
ASYNCORE_NOINLINE inline std::string joined(std::initializer_list<std::string_view> texts) {
  std::string all;
  for (const std::string_view text : texts) all.append(text);
  return all;
}

/// A number in decimal digits.
ASYNCORE_NOINLINE inline std::string number_text(unsigned long number) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%lu", number);
  return digits;
}

/// `text` for a log or a terminal: bytes other than printable ASCII, which a peer or a path may have
/// supplied, as \xHH.
ASYNCORE_NOINLINE inline std::string printable(std::string_view text) {
  std::string all;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    char escape[8] = {c, '\0'};
    if (byte < 0x20 || byte > 0x7e) std::snprintf(escape, sizeof escape, "\\x%02x", byte);
    all += escape;
  }
  return all;
}

/// Reports a failed call whose caller gave no `std::error_code&`: throws
/// `std::system_error(code, what)`; without exceptions prints the same and aborts.
ASYNCORE_BUILD_TAG [[noreturn]] ASYNCORE_COLD inline void throw_error(std::error_code code,
                                                                      std::string_view what) {
#if ASYNCORE_HAS_EXCEPTIONS
  throw std::system_error(code, std::string(what));
#else
  std::fprintf(stderr, "asyncore: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
               code.message().c_str());
  std::abort();
#endif
}

/// Throws when `code` says that something failed.
inline void throw_if(std::error_code code, std::string_view what) {
  if (code) throw_error(code, what);
}

#if ASYNCORE_HAS_FORCED_UNWIND
/// What pthread_cancel(3) unwinds a thread with; whoever catches it has to throw it on.
using forced_unwind = abi::__forced_unwind;
#else
struct forced_unwind {};
#endif

/// Runs `f`. What `f` throws reaches `on_exception`, which finds it in
/// `std::current_exception()`; `exit_now` passes, and so does the end of a thread that is
/// cancelled. Without exceptions it is a plain call.
template <class F, class OnException>
[[gnu::always_inline]] inline void guarded(F&& f, [[maybe_unused]] OnException&& on_exception) {
#if ASYNCORE_HAS_EXCEPTIONS
  try {
    f();
  } catch (const exit_now&) {
    throw;
  } catch (const forced_unwind&) {
    throw;
  } catch (...) {
    on_exception();
  }
#else
  f();
#endif
}

/// Runs `f`, and `cleanup` when an exception passes.
template <class F, class Cleanup>
[[gnu::always_inline]] inline void cleaning_up(F&& f, [[maybe_unused]] Cleanup&& cleanup) {
#if ASYNCORE_HAS_EXCEPTIONS
  try {
    f();
  } catch (...) {
    cleanup();
    throw;
  }
#else
  f();
#endif
}

}  // namespace detail
}  // namespace asyncore

#endif

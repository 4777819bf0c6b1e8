// SPDX-License-Identifier: BSL-1.0
/// Where messages go when nobody replaces the log.
#ifndef ASYNCORE_WORD_LOG_HPP
#define ASYNCORE_WORD_LOG_HPP

#include <asyncore/word/error.hpp>

#include <cstdio>
#include <new>
#include <string>
#include <string_view>

namespace asyncore {

/// Writes `message` and a line end to the standard error stream.
inline void log(std::string_view message) noexcept {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
}

namespace detail {

/// "fd 7"
ASYNCORE_NOINLINE inline std::string fd_text(int fd) {
  char text[20];
  std::snprintf(text, sizeof text, "fd %d", fd);
  return text;
}

/// What is to be said of the error being handled: the current exception, else `code`.
ASYNCORE_COLD inline std::string current_error_text(std::error_code code) {
#if ASYNCORE_HAS_EXCEPTIONS
  if (std::current_exception()) {
    try {
      throw;
    } catch (const std::exception& e) {
      return printable(e.what());
    } catch (...) {
      return "an exception that is not a std::exception";
    }
  }
#endif
  return code.message();
}

/// Runs `f`, which makes up a message and logs it. Without memory for that, logs so much.
template <class F>
void log_if_memory(F&& f) {
#if ASYNCORE_HAS_EXCEPTIONS
  try {
    f();
  } catch (const std::bad_alloc&) {
    log("error: there is no memory for a message");
  }
#else
  f();
#endif
}

/// Says that the error being handled closes the channel called `name`.
ASYNCORE_COLD inline void log_uncaught(std::string_view name, std::error_code code) {
  log_if_memory([&] {
    log(joined({"error: uncaught exception, closing channel ", name, ": ",
                current_error_text(code)}));
  });
}

}  // namespace detail
}  // namespace asyncore

#endif

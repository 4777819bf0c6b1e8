// SPDX-License-Identifier: BSL-1.0
// The errors of scenarios, by name.
#pragma once

#include "script.hpp"

#include <asyncore/word/error.hpp>

#include <cerrno>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace oracle {

/// An ordinary error.
struct oops : std::exception {};

inline constexpr std::pair<int, std::string_view> errno_names[] = {
    {ECONNABORTED, "ECONNABORTED"}, {ECONNREFUSED, "ECONNREFUSED"}, {ECONNRESET, "ECONNRESET"},
    {EINVAL, "EINVAL"}, {ENETUNREACH, "ENETUNREACH"}, {ENOENT, "ENOENT"}, {EPIPE, "EPIPE"},
};

inline std::string error_name(std::error_code code) {
#if ASYNCORE_HAS_EXCEPTIONS
  if (std::current_exception()) {
    try {
      throw;
    } catch (const std::system_error& error) {
      code = error.code();
    } catch (const asyncore::exit_now&) {
      return "exit";
    } catch (const oops&) {
      return "oops";
    } catch (const std::exception& error) {
      return error.what();
    }
  }
#endif
  for (const auto& [value, name] : errno_names)
    if (code == std::error_condition(value, std::generic_category())) return std::string(name);
  return std::to_string(code.value());
}

/// Throws the error of this name: exit, oops or an errno.
[[noreturn]] inline void throw_named([[maybe_unused]] std::string_view name) {
#if ASYNCORE_HAS_EXCEPTIONS
  if (name == "exit") throw asyncore::exit_now();
  if (name == "oops") throw oops();
  for (const auto& [value, known] : errno_names)
    if (name == known) throw std::system_error(asyncore::errno_code(value));
#endif
  stop("cannot raise " + std::string(name));
}

}  // namespace oracle

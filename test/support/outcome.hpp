// SPDX-License-Identifier: BSL-1.0
/// What became of a channel, kept where it outlives the channel.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <system_error>

namespace test {

struct outcome {
  std::string received;
  std::string logged;  // by a class whose `log` appends here, a line each
  int connects = 0;
  int closes = 0;
  int errors = 0;
  int destroyed = 0;
  std::error_code code;  // of the last std::system_error in handle_error
  std::string what;      // of the last std::exception in handle_error

  /// Counts an error and keeps what `std::current_exception()` says.
  void catch_current() {
    ++errors;
    try {
      throw;
    } catch (const std::system_error& e) {
      code = e.code();
      what = e.what();
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
      what = "not a std::exception";
    }
  }
};

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace test

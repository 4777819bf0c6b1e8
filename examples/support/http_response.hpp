// SPDX-License-Identifier: BSL-1.0
/// The head of an HTTP response (RFC 9112), as far as a client of HTTP/1.0 needs it.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http_lines.hpp"

class http_response {
 public:
  static constexpr std::size_t most_bytes = 65536;

  /// Takes a head off the front of `input`, if one is there, and points into it.
  explicit http_response(std::string_view& input)
      : result_(http_lines::take_head(
            input, most_bytes,  //
            [this](std::string_view line) { return read_status_line(line); },
            [this](std::string_view line) { return read_field(line); })) {}

  http_lines::outcome result() const { return result_; }
  /// Code and reason, as in "404 Not Found".
  std::string_view status() const { return status_; }
  bool is_success() const { return status_.starts_with('2'); }
  std::optional<std::uint64_t> content_length() const { return content_length_; }

 private:
  bool read_status_line(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (!line.starts_with("HTTP/1.") || space == line.npos) return false;
    status_ = line.substr(space + 1);
    // What a terminal obeys is no part of a reason.
    if (!http_lines::is_clean(status_)) return false;
    std::uint16_t code = 0;
    return read_number(status_.substr(0, status_.find(' ')), code) && code >= 100 && code <= 999;
  }

  bool read_field(std::string_view line) {
    std::string_view name, value;
    if (!http_lines::split(line, name, value)) return false;
    // HTTP/1.0 has no transfer codings.
    if (http_lines::same(name, "transfer-encoding")) return false;
    if (!http_lines::same(name, "content-length")) return true;
    std::uint64_t length = 0;
    if (!read_number(value, length)) return false;
    if (content_length_ && *content_length_ != length) return false;
    content_length_ = length;
    return true;
  }

  template <class Number>
  static bool read_number(std::string_view text, Number& number) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && stop == end;
  }

  std::string_view status_;
  std::optional<std::uint64_t> content_length_;
  http_lines::outcome result_;  // the last: finding it out sets the others
};

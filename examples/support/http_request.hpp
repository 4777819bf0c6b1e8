// SPDX-License-Identifier: BSL-1.0
/// The head of an HTTP request (RFC 9112), as far as a server of fixed pages needs it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "http_lines.hpp"

class http_request {
 public:
  static constexpr std::size_t most_bytes = 8192;

  /// Takes a head off the front of `input`, if one is there, and points into it.
  explicit http_request(std::string_view& input)
      : result_(http_lines::take_head(
            input, most_bytes,  //
            [this](std::string_view line) { return read_request_line(line); },
            [this](std::string_view line) { return read_field(line); })) {
    // One Host, which only HTTP/1.0 may leave out (section 3.2).
    if (result_ == http_lines::outcome::complete && hosts_ != 1 && (hosts_ > 1 || !is_http_1_0_))
      result_ = http_lines::outcome::malformed;
  }

  http_lines::outcome result() const { return result_; }
  std::string_view method() const { return method_; }
  /// The target without its host and its query.
  std::string_view path() const { return path_; }
  bool is_http_1_0() const { return is_http_1_0_; }
  /// True when another request may follow. Not behind a body: nobody here reads where it ends.
  bool keep_alive() const {
    return result_ == http_lines::outcome::complete && !has_body_ && !close_ &&
           (keep_alive_ || !is_http_1_0_);
  }

 private:
  bool read_request_line(std::string_view line) {
    method_ = http_lines::take_all(line, http_lines::in_token);
    if (method_.empty() || !http_lines::take(line, ' ')) return false;
    path_ = http_lines::take_all(line, http_lines::in_target);
    is_http_1_0_ = line == " HTTP/1.0";
    return (is_http_1_0_ || line == " HTTP/1.1") && read_target();
  }

  bool read_target() {
    if (http_lines::same(path_.substr(0, 7), "http://")) [[unlikely]] {
      // As a proxy is asked (section 3.2.2).
      const std::string_view host = path_.substr(7, path_.find_first_of("/?", 7) - 7);
      if (host.empty() || !http_lines::is_host(host)) return false;
      path_.remove_prefix(7 + host.size());
      if (!path_.starts_with('/')) path_ = "/";
    }
    path_ = {path_.data(), std::min(path_.size(), path_.find('?'))};
    return path_.starts_with('/') || path_ == "*";
  }

  bool read_field(std::string_view line) {
    std::string_view name, value;
    if (!http_lines::split(line, name, value)) return false;
    if (http_lines::same(name, "connection")) {
      read_connection(value);
    } else if (http_lines::same(name, "content-length")) {
      return read_length(value);
    } else if (http_lines::same(name, "host")) {
      ++hosts_;
      return http_lines::is_host(value);
    } else if (http_lines::same(name, "transfer-encoding")) {
      has_body_ = true;
    }
    return true;
  }

  /// Two that differ would be read differently by others (section 6.3).
  bool read_length(std::string_view value) {
    if (value.empty() || value.find_first_not_of("0123456789") != value.npos) return false;
    value.remove_prefix(std::min(value.find_first_not_of('0'), value.size() - 1));
    if (!length_.empty() && value != length_) return false;
    length_ = value;
    has_body_ = has_body_ || value != "0";
    return true;
  }

  void read_connection(std::string_view list) {
    while (!list.empty()) {
      const std::string_view option = list.substr(0, list.find(','));
      close_ = close_ || http_lines::same(http_lines::trimmed(option), "close");
      keep_alive_ = keep_alive_ || http_lines::same(http_lines::trimmed(option), "keep-alive");
      list.remove_prefix(option.size() + (option.size() < list.size()));
    }
  }

  std::string_view method_;
  std::string_view path_;
  std::string_view length_;  // of the body, without zeros in front; empty when it is not told
  bool is_http_1_0_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
  bool has_body_ = false;
  int hosts_ = 0;
  http_lines::outcome result_;  // the last: finding it out sets the others
};

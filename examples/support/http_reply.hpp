// SPDX-License-Identifier: BSL-1.0
/// What an HTTP server answers (RFC 9112).
#pragma once

#include <ctime>
#include <string>
#include <string_view>

/// A response that may be sent many times; its head lacks the fields Connection and Date, and the
/// empty line.
struct http_reply {
  http_reply(std::string_view status, std::string_view content, std::string_view fields = {},
             std::string_view type = "text/plain")
      : head("HTTP/1.1 " + std::string(status) + "\r\nContent-Type: " + std::string(type) +
             "\r\nContent-Length: " + std::to_string(content.size()) + "\r\n" +
             std::string(fields)),
        body(content) {}
  std::string head;
  std::string body;
};

/// The Date of a response (RFC 9110, 6.6.1), with the empty line behind it; valid until the next
/// call in this thread.
inline std::string_view http_date() {
  constexpr std::size_t size = sizeof "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n" - 1;
  thread_local std::time_t second = -1;
  thread_local char text[size + 1];
  if (const std::time_t now = std::time(nullptr); now != second) [[unlikely]] {
    std::tm utc;
    std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n\r\n",
                  ::gmtime_r(&now, &utc));
    second = now;
  }
  return {text, size};
}

// SPDX-License-Identifier: BSL-1.0
/// What a server answers when there is no library that splits its input.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

namespace bench {

/// Everything comes back as it came.
struct echo_protocol {
  template <class Connection>
  static bool answer(std::string_view bytes, Connection& connection, int fd) {
    return connection.send(fd, bytes);
  }
};

/// Calls `answer(line)` for each line that `bytes` completes, its end included. `begun` is what has
/// come of a line whose end has not.
template <class Answer>
void each_line(std::string& begun, std::string_view bytes, Answer answer) {
  while (const void* end = std::memchr(bytes.data(), '\n', bytes.size())) {
    const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - bytes.data()) + 1;
    if (begun.empty()) {
      answer(bytes.substr(0, length));
    } else {
      answer(std::string_view(begun.append(bytes, 0, length)));
      begun.clear();
    }
    bytes.remove_prefix(length);
  }
  begun.append(bytes);
}

/// Each line comes back, in a message of its own.
class line_protocol {
 public:
  template <class Connection>
  bool answer(std::string_view bytes, Connection& connection, int fd) {
    bool sent = true;
    each_line(begun_, bytes,
              [&](std::string_view line) { sent = sent && connection.send(fd, line); });
    return sent;
  }

 private:
  std::string begun_;
};

/// Each line comes back, all that a read has brought in one message.
class gathering_line_protocol {
 public:
  template <class Connection>
  bool answer(std::string_view bytes, Connection& connection, int fd) {
    static std::string answers;
    answers.clear();
    each_line(begun_, bytes, [&](std::string_view line) { answers += line; });
    return answers.empty() || connection.send(fd, answers);
  }

 private:
  std::string begun_;
};

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
/// The lines that the head of an HTTP message is made of (RFC 9112).
#pragma once

#include <strings.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace http_lines {

/// What came of reading a head.
enum class outcome { complete, unfinished, malformed, too_long };

/// Takes a line, which may also end in LF alone, off the front of `text`; false when it has none.
inline bool take(std::string_view& text, std::string_view& line) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return false;
  line = {text.data(), end};
  if (line.ends_with('\r')) line.remove_suffix(1);
  text.remove_prefix(end + 1);
  return true;
}

/// Takes a head of at most `most_bytes`, with the empty line at its end, off the front of `input`:
/// gives its first line and then the others to functions that return false for a malformed one.
/// Takes nothing that is not complete.
template <class First, class Field>
outcome take_head(std::string_view& input, std::size_t most_bytes, First read_first,
                  Field read_field) {
  std::string_view rest = input.substr(0, most_bytes), line;
  const outcome cut = rest.size() < most_bytes ? outcome::unfinished : outcome::too_long;
  do {  // empty lines in front are passed over (section 2.2)
    if (!take(rest, line)) return cut;
  } while (line.empty());
  if (!read_first(line)) return outcome::malformed;
  while (take(rest, line)) {
    if (line.empty()) {
      input.remove_prefix(static_cast<std::size_t>(rest.data() - input.data()));
      return outcome::complete;
    }
    if (!read_field(line)) return outcome::malformed;
  }
  return cut;
}

inline bool is_space(char c) { return c == ' ' || c == '\t'; }

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// What a character may be part of: of names and methods (RFC 9110, 5.6.2), of a target, of a value
/// in which a stricter reader would see no end of the line, either (5.5), of a host and its port
/// (RFC 3986, 3.2.2).
enum character : std::uint8_t { in_token = 1, in_target = 2, in_value = 4, in_host = 8 };
inline constexpr auto characters = [] {
  std::array<std::uint8_t, 256> of{};
  for (std::size_t c = '!'; c < of.size(); ++c)
    if (c != 0x7f) of[c] = in_target | in_value;
  of[' '] = of['\t'] = in_value;
  of['#'] = in_value;  // what is behind it stays with who asks
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    of[static_cast<unsigned char>(c)] |= in_token;
  for (const char c : std::string_view("-._~!$&'()*+,;=%:0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    of[static_cast<unsigned char>(c)] |= in_host;
  return of;
}();

/// Takes all such characters off the front of `text`.
inline std::string_view take_all(std::string_view& text, character wanted) {
  std::size_t n = 0;
  while (n < text.size() && (characters[static_cast<unsigned char>(text[n])] & wanted) != 0) ++n;
  const std::string_view taken(text.data(), n);
  text.remove_prefix(n);
  return taken;
}

inline bool is_clean(std::string_view text) { return take_all(text, in_value), text.empty(); }

/// A host, which may be empty, and its port.
inline bool is_host(std::string_view text) {
  const std::size_t end = text.starts_with('[') ? text.find(']') : text.find(':');
  if (end == text.npos) return !text.starts_with('[') && (take_all(text, in_host), text.empty());
  const bool bracketed = text[end] == ']';
  std::string_view port = text.substr(end + bracketed);
  std::string_view host = text.substr(bracketed, end - bracketed);
  if (take_all(host, in_host); !host.empty()) return false;
  return port.empty() ||
         (port.starts_with(':') && port.find_first_not_of("0123456789", 1) == port.npos);
}

/// Takes this character off the front of `text`; false when there is another one.
inline bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// Splits a line of the form NAME:VALUE. False for another one.
inline bool split(std::string_view line, std::string_view& name, std::string_view& value) {
  name = take_all(line, in_token);
  if (name.empty() || !take(line, ':')) return false;
  value = trimmed(line);
  return is_clean(value);
}

/// Names and options are the same in upper and lower case.
inline bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), b.size()) == 0;
}

}  // namespace http_lines

// SPDX-License-Identifier: BSL-1.0
// The scenario language, as script.py describes it.
#pragma once

#include <asyncore/word/config.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oracle {

/// A scenario that cannot be played on.
struct unplayable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Gives the scenario up.
[[noreturn]] inline void stop(const std::string& why) {
#if ASYNCORE_HAS_EXCEPTIONS
  throw unplayable(why);
#else
  std::fprintf(stderr, "oracle: %s\n", why.c_str());
  std::exit(1);
#endif
}

/// A word of a line, or a string.
struct word {
  std::string text;
  bool quoted = false;
  bool operator==(std::string_view other) const { return !quoted && text == other; }
};
using action = std::vector<word>;

/// Reads what stands behind the opening quote at `at`, and the number of times behind it.
inline std::string read_string(std::string_view line, std::size_t& at) {
  std::string text;
  for (++at; at < line.size() && line[at] != '"'; ++at) {
    if (line[at] != '\\') {
      text += line[at];
      continue;
    }
    switch (const char code = line[++at]) {
      case 'r': text += '\r'; break;
      case 'n': text += '\n'; break;
      case 't': text += '\t'; break;
      case 'x':
        text += static_cast<char>(std::stoi(std::string(line.substr(at + 1, 2)), nullptr, 16));
        at += 2;
        break;
      default: text += code;
    }
  }
  if (++at >= line.size() || line[at] != '*') return text;
  std::size_t digits = 0;
  const int times = std::stoi(std::string(line.substr(++at)), &digits);
  at += digits;
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

inline action words_of(std::string_view line) {
  action words;
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == ' ') {
      ++at;
    } else if (line[at] == '"') {
      words.push_back({read_string(line, at), true});
    } else {
      const std::size_t length = line[at] == ';' ? 1 : line.find_first_of(" ;\"", at) - at;
      words.push_back({std::string(line.substr(at, length))});
      at += words.back().text.size();
    }
  }
  return words;
}

/// The CRC of zlib.
inline std::uint32_t crc32(std::string_view data) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/// Data as a trace spells it.
inline std::string spelled(std::string_view data) {
  char text[64];
  if (data.size() > 60) {
    std::snprintf(text, sizeof text, "<%zu bytes %08x>", data.size(), crc32(data));
    return text;
  }
  std::string all = "\"";
  for (const char c : data) {
    constexpr std::string_view escaped = "\t\n\r\"\\", names = "tnr\"\\";
    if (const std::size_t at = escaped.find(c); at != escaped.npos) {
      (all += '\\') += names[at];
    } else if (c >= 32 && c < 127) {
      all += c;
    } else {
      std::snprintf(text, sizeof text, "\\x%02x", static_cast<unsigned char>(c));
      all += text;
    }
  }
  return all += '"';
}

/// The lines of a file.
inline std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) stop("cannot read " + path.string());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// A scenario file, read.
struct scenario {
  struct reaction {
    int number;  // of the call; 0: every one
    std::vector<action> actions;
  };

  explicit scenario(const std::filesystem::path& path) : name(path.stem().string()) {
    for (const std::string& line : lines_of(path)) {
      if (line.empty() || line[0] == '#') continue;
      const action words = words_of(line);
      if (words[0] == "differs:") {
        differs = true;
      } else if (words[0] == "|") {
        expected.push_back(line.substr(2));
      } else if (words[0] == "follows:") {
        follows = words[1].text;
      } else if (words[0] == "on") {
        add_reaction(words);
      } else {
        steps.push_back(words);
      }
    }
  }

  /// True when it cannot be played without exceptions.
  bool throws() const {
    const auto any = [](const action& a) {
      for (const word& w : a)
        if (w == "raise" || w == "oops" || w == "exit") return true;
      return false;
    };
    for (const auto& [of, list] : reactions)
      for (const reaction& r : list)
        for (const action& a : r.actions)
          if (any(a)) return true;
    for (const action& a : steps)
      if (any(a)) return true;
    return false;
  }

  std::string name;
  std::vector<action> steps;
  std::map<std::pair<std::string, std::string>, std::vector<reaction>> reactions;
  std::string follows = "both";
  bool differs = false;
  std::vector<std::string> expected;  // where it differs

 private:
  void add_reaction(const action& words) {
    std::size_t at = 1;
    while (words[at].text.back() != ':') ++at;
    std::string hook = words[2].text;
    if (hook.back() == ':') hook.pop_back();
    reaction made{at > 2 ? std::stoi(words[3].text) : 0, {{}}};
    while (++at < words.size()) {
      if (words[at] == ";") {
        made.actions.emplace_back();
      } else {
        made.actions.back().push_back(words[at]);
      }
    }
    reactions[{words[1].text, hook}].push_back(made);
  }
};

}  // namespace oracle

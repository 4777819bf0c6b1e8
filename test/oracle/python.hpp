// SPDX-License-Identifier: BSL-1.0
// The Python that still has asyncore, and what goes to it and comes from it.
#pragma once

#include "script.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace oracle {

/// A Python with asyncore and asynchat; empty when there is none here.
inline const std::string& python() {
  static const std::string found = [] {
    for (const std::string name : {"/usr/bin/python3.11", "python3.11"})
      if (std::system((name + " -W ignore -c 'import asyncore, asynchat' 2>&-").c_str()) == 0)
        return name;
    return std::string();
  }();
  return found;
}

/// The lines that a shell command prints; none when it fails.
inline std::vector<std::string> output_of(const std::string& command) {
  std::FILE* const output = ::popen(command.c_str(), "r");
  if (output == nullptr) return {};
  std::vector<std::string> lines(1);
  for (int c; (c = std::fgetc(output)) != EOF;) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += static_cast<char>(c);
    }
  }
  lines.pop_back();
  if (::pclose(output) != 0) lines.clear();
  return lines;
}

/// A new directory for files, removed at the end.
class scratch_directory {
 public:
  scratch_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "oracle.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) stop("there is no room for a temporary directory");
    path = name;
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() { std::filesystem::remove_all(path); }

  std::filesystem::path path;
};

}  // namespace oracle

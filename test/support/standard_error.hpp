// SPDX-License-Identifier: BSL-1.0
/// What is written to the standard error stream.
#pragma once

#include "descriptors.hpp"

#include <cstdio>
#include <string>

namespace test {

/// The standard error stream goes to a file while this lives.
class redirected_stderr {
 public:
  redirected_stderr()
      : file_(std::tmpfile()), before_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) {
    BOOST_REQUIRE(file_ != nullptr);
    std::fflush(stderr);
    ::dup2(::fileno(file_), STDERR_FILENO);
  }
  redirected_stderr(const redirected_stderr&) = delete;
  redirected_stderr& operator=(const redirected_stderr&) = delete;
  ~redirected_stderr() {
    std::fflush(stderr);
    ::dup2(before_.get(), STDERR_FILENO);
    std::fclose(file_);
  }

  /// All that has been written so far.
  std::string text() const {
    std::fflush(stderr);
    std::string all(static_cast<std::size_t>(::lseek(::fileno(file_), 0, SEEK_END)), '\0');
    const auto n = ::pread(::fileno(file_), all.data(), all.size(), 0);
    return n < 0 ? "cannot be read" : all;
  }

 private:
  std::FILE* file_;
  unique_fd before_;
};

/// What `f()` writes to the standard error stream.
template <class F>
std::string stderr_of(F f) {
  const redirected_stderr stream;
  f();
  return stream.text();
}

}  // namespace test

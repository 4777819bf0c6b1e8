// SPDX-License-Identifier: BSL-1.0
/// What every benchmark program does with fatal errors and the limit of descriptors.
#pragma once

#include <sys/resource.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

/// Prints `what` with the reason errno gives, and exits 1: a benchmark that limps on measures
/// something else.
[[noreturn]] inline void fail(const char* what, int error = errno) {
  std::fprintf(stderr, "error: %s: %s\n", what, std::strerror(error));
  std::exit(1);
}

/// Raises the soft limit of open descriptors to the hard one, and fails when `needed` of them
/// will still be too many.
inline void allow_descriptors(unsigned long needed) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (needed > limit.rlim_max) {
    std::fprintf(stderr, "error: %lu descriptors are needed, and only %lu are allowed\n", needed,
                 static_cast<unsigned long>(limit.rlim_max));
    std::exit(1);
  }
}

}  // namespace bench

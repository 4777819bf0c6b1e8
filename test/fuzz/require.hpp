// SPDX-License-Identifier: BSL-1.0
/// What a fuzz target says when it has found something.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace test {

inline void require(bool holds, const char* otherwise) {
  if (holds) return;
  std::fprintf(stderr, "found: %s\n", otherwise);
  std::abort();
}

}  // namespace test

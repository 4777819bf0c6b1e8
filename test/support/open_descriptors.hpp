// SPDX-License-Identifier: BSL-1.0
/// Which descriptors this process has.
#pragma once

#if defined(TEST_SIMULATED)
#include "kernel.hpp"
#else
#include <dirent.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace test {

/// All open descriptors, in order.
inline std::vector<int> open_descriptors() {
#if defined(TEST_SIMULATED)
  return kernel::current().descriptors();
#else
  std::vector<int> open;
  DIR* const all = ::opendir("/dev/fd");
  if (all == nullptr) return open;
  while (const dirent* entry = ::readdir(all)) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != ::dirfd(all)) open.push_back(fd);
  }
  ::closedir(all);
  std::sort(open.begin(), open.end());
  return open;
#endif
}

}  // namespace test

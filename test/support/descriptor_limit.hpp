// SPDX-License-Identifier: BSL-1.0
/// Another limit to the number of descriptors.
#pragma once

#include <sys/resource.h>

namespace test {

/// Sets RLIMIT_NOFILE while it lives: descriptors are then below `limit`.
class descriptor_limit {
 public:
  explicit descriptor_limit(int limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit wanted = before_;
    wanted.rlim_cur = static_cast<rlim_t>(limit);
    set_ = ::setrlimit(RLIMIT_NOFILE, &wanted) == 0;
  }
  descriptor_limit(const descriptor_limit&) = delete;
  descriptor_limit& operator=(const descriptor_limit&) = delete;
  ~descriptor_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  /// False when this process may not set it.
  explicit operator bool() const { return set_; }

 private:
  rlimit before_{};
  bool set_ = false;
};

}  // namespace test

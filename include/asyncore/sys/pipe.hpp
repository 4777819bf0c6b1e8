// SPDX-License-Identifier: BSL-1.0
/// Making a pipe.
#ifndef ASYNCORE_SYS_PIPE_HPP
#define ASYNCORE_SYS_PIPE_HPP

#include <asyncore/word/config.hpp>

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace asyncore {

/// Makes a pipe whose ends, to read and to write, are close-on-exec. Returns 0 or a negative errno.
inline int make_pipe(int (&ends)[2]) noexcept {
#if ASYNCORE_HAS_ATOMIC_FLAGS
  return ::pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
#else
  if (::pipe(ends) < 0) return -errno;
  for (const int fd : ends) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

}  // namespace asyncore

#endif

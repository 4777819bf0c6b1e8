// SPDX-License-Identifier: BSL-1.0
/// The descriptors 0, 1 and 2, which a program expects to have.
#ifndef ASYNCORE_SYS_STANDARD_DESCRIPTORS_HPP
#define ASYNCORE_SYS_STANDARD_DESCRIPTORS_HPP

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace asyncore::detail {

/// Opens /dev/null under those of the three that are closed, as sshd and set-user-ID programs do. A
/// socket would get such a number else, and what the program or its libraries print would be sent
/// to the peer. A base of what makes descriptors, so that it comes first.
struct standard_descriptors {
  standard_descriptors() noexcept {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
      if (is_closed(fd) && ::open("/dev/null", O_RDWR) != fd) return;
  }

 private:
  static bool is_closed(int fd) noexcept { return ::fcntl(fd, F_GETFD) < 0 && errno == EBADF; }
};

}  // namespace asyncore::detail

#endif

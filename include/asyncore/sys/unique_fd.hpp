// SPDX-License-Identifier: BSL-1.0
/// A descriptor with an owner.
#ifndef ASYNCORE_SYS_UNIQUE_FD_HPP
#define ASYNCORE_SYS_UNIQUE_FD_HPP

#include <asyncore/word/config.hpp>

#include <unistd.h>

namespace asyncore {

/// How descriptors of a system that is not the kernel are closed. The object outlives every
/// `unique_fd` that refers to it.
struct fd_closer {
  void (*close)(const fd_closer& self, int fd) noexcept;
};

/// Owns a descriptor and closes it. Movable only.
class unique_fd {
 public:
  unique_fd() noexcept = default;

  /// Takes over `fd`, or nothing when it is negative. `closer`: what closes it, the kernel's
  /// close(2) when null.
  explicit unique_fd(int fd, const fd_closer* closer = nullptr) noexcept
      : fd_(fd), closer_(closer) {}

  unique_fd(unique_fd&& other) noexcept : fd_(other.release()), closer_(other.closer_) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    if (this != &other) {
      reset();
      closer_ = other.closer_;
      fd_ = other.release();
    }
    return *this;
  }
  ~unique_fd() { reset(); }

  /// The descriptor, -1 when there is none.
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  /// Gives up ownership: the caller closes what is returned.
  int release() noexcept {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

  /// Closes the descriptor, if there is one. EINTR is not retried: on Linux the descriptor is
  /// gone all the same (close(2), "Dealing with error returns from close()").
  void reset() noexcept {
    if (fd_ < 0) return;
    const int fd = release();
    if (closer_ != nullptr) [[unlikely]] {
      close_by(*closer_, fd);
    } else {
      ::close(fd);
    }
  }

 private:
  // Out of line: there is no indirect call where the kernel's descriptors are closed.
  ASYNCORE_COLD static void close_by(const fd_closer& closer, int fd) noexcept {
    closer.close(closer, fd);
  }

  int fd_ = -1;
  const fd_closer* closer_ = nullptr;
};

}  // namespace asyncore

#endif

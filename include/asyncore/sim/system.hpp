// SPDX-License-Identifier: BSL-1.0
/// The system calls that channels make, on a simulated kernel.
#ifndef ASYNCORE_SIM_SYSTEM_HPP
#define ASYNCORE_SIM_SYSTEM_HPP

#include <asyncore/concept/system.hpp>
#include <asyncore/sys/endpoint.hpp>
#include <asyncore/sys/unique_fd.hpp>

#include <sys/uio.h>

#include <span>

namespace asyncore {

class sim_kernel;

/// The members of `posix_system` (see concept/system.hpp), except that there is no waker. Of the
/// flags it knows MSG_OOB.
class sim_system {
 public:
  explicit sim_system(sim_kernel& kernel) noexcept : kernel_(kernel), closer_(kernel) {}
  sim_system(const sim_system&) = delete;
  sim_system& operator=(const sim_system&) = delete;

  /// The kernel, for those who test on it.
  sim_kernel& kernel() noexcept { return kernel_; }

  std::ptrdiff_t read(int fd, std::span<std::byte> into);
  std::ptrdiff_t write(int fd, std::span<const std::byte> bytes);
  std::ptrdiff_t writev(int fd, std::span<const iovec> pieces);
  std::ptrdiff_t recv(int fd, std::span<std::byte> into, int flags = 0);
  std::ptrdiff_t send(int fd, std::span<const std::byte> bytes, int flags = 0);
  std::ptrdiff_t sendmsg(int fd, std::span<const iovec> pieces);
  std::ptrdiff_t recvfrom(int fd, std::span<std::byte> into, endpoint& from);
  std::ptrdiff_t sendto(int fd, std::span<const std::byte> bytes, const endpoint& to);

  int socket(int family, int type);
  int bind(int fd, const endpoint& where);
  int listen(int fd, int backlog);
  int connect(int fd, const endpoint& to);
  int accept(int fd, endpoint& from);
  int shutdown(int fd, int how);
  int close(int fd);
  int getsockname(int fd, endpoint& name);
  int getpeername(int fd, endpoint& name);
  int getsockopt(int fd, int level, int name, int& value);
  int setsockopt(int fd, int level, int name, int value);
  int reset_on_close(int fd);
  int dup(int fd);
  int set_nonblocking(int fd);
  int unread(int fd);
  int drop_errors(int fd);
  std::chrono::nanoseconds now() const noexcept;
  const fd_closer* closer() const noexcept { return &closer_; }

 private:
  struct closing : fd_closer {
    explicit closing(sim_kernel& of) noexcept;
    sim_kernel& kernel;
  };

  sim_kernel& kernel_;
  closing closer_;
};

static_assert(system_calls<sim_system>);

}  // namespace asyncore

#endif

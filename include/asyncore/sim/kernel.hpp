// SPDX-License-Identifier: BSL-1.0
/// A kernel that is deterministic and hostile.
#ifndef ASYNCORE_SIM_KERNEL_HPP
#define ASYNCORE_SIM_KERNEL_HPP

#include <asyncore/sim/system.hpp>
#include <asyncore/sim/transfer.hpp>

#include <array>
#include <cstdint>
#include <span>

namespace asyncore {

/// Sockets, pipes and files in memory, and a clock that stands still while anything can run. What
/// happens depends on the seed alone. Loops on it are `basic_loop<sim_epoll_poller, Map>
/// loop(kernel)`; several may share a kernel. It outlives its loops, its peers and what its
/// descriptors are in. One thread.
///
/// What must not happen it collects in `violations()`: a descriptor closed twice, used after its
/// close or closed while a poller watches it; loops that spin without getting on, or wait for what
/// can never come.
class sim_kernel : public detail::sim_transfer {
 public:
  /// All faults are off until `faults()` is told otherwise.
  explicit sim_kernel(std::uint64_t seed = 0, sim_options options = {})
      : sim_transfer(seed, options), system_(*this) {}

  /// The calls as channels make them.
  sim_system& system() noexcept { return system_; }

  // The calls of their names; each returns what that returns, or a negative errno. EINTR is not
  // retried by those that `sim_system` retries for them.

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
  /// The lowest number from `lowest` on that is free, as F_DUPFD has it.
  int dup(int fd, int lowest = 0);
  /// One byte out of band: MSG_OOB.
  std::ptrdiff_t send_urgent(int fd, std::span<const std::byte> bytes);
  std::ptrdiff_t recv_urgent(int fd, std::span<std::byte> into);
  int set_nonblocking(int fd);
  int unread(int fd);
  /// Drops what is in the error queue of a socket; returns how many messages.
  int drop_errors(int fd);

  // What a test does from outside; none of these fail by a fault.

  /// The two ends of a UNIX stream; of a pipe, the reading end first.
  std::array<int, 2> socketpair();
  std::array<int, 2> pipe();
  /// A regular file of these bytes, at its beginning.
  int file(std::span<const std::byte> bytes);
  /// Closes a stream so that its peer is reset, as SO_LINGER with 0 seconds does.
  void reset(int fd);
  /// Removes the path of a UNIX socket.
  void unlink(const endpoint& path) noexcept { remove_path(path); }
  /// From now on descriptors are below `limit`, as with RLIMIT_NOFILE.
  void limit_descriptors(int limit) noexcept { descriptors_.set_limit(limit); }
  /// Puts out-of-band data on the way to `fd`.
  void make_urgent(int fd, bool on = true) noexcept;

  /// The number of open descriptors.
  std::size_t open_descriptors() const noexcept { return descriptors_.open_count(); }
  /// The open descriptors, in order.
  std::vector<int> descriptors() const {
    std::vector<int> all;
    descriptors_.for_each([&](int fd, sim_ref) { all.push_back(fd); });
    return all;
  }
  bool is_open(int fd) noexcept { return at(fd) != nullptr; }
  /// The number of calls other than waits: when it has changed, a hook or the test did something.
  std::uint64_t activity() const noexcept { return activity_; }
  /// The number of reports of readiness that pollers have made.
  std::uint64_t reports() const noexcept { return reports_; }
  /// True when a fault has ended this connection.
  bool disturbed(int fd) noexcept { return at(fd) != nullptr && at(fd)->disturbed; }

  /// Objects to every descriptor that is open: for the end of a test.
  void expect_all_closed() {
    descriptors_.for_each([this](int fd, sim_ref ref) {
      object(detail::joined({detail::fd_text(fd), " of kind ",
                             std::to_string(static_cast<int>(find(ref)->kind)), " is left open"}));
    });
  }

  /// Runs several loops of this kernel until they are empty: each in its turn, and the clock when
  /// none has anything to do. False when they wait for what can never come.
  template <class... Loops>
  bool run(Loops&... loops);

  /// Lets everything happen that is on its way, without a loop; `longest` passes when more is to
  /// come after that.
  void settle(std::chrono::nanoseconds longest = std::chrono::seconds(60)) {
    const time_point end = now_ + longest;
    busy_ = true;
    deliver_due();
    while (!events_.empty() && now_ < end) advance(end);
    busy_ = false;
  }

  // For pollers

  int epoll_create();
  /// Begins to watch; the errno that it fails with, or 0.
  int watch(int fd, bool on);
  void unwatch(int fd) noexcept { descriptors_.watch(fd, -1); }
  /// Begins a wait: 0, or a negative errno. Counts those that come to nothing.
  int begin_wait();
  int end_wait(int reports) noexcept {
    reports_ += static_cast<std::uint64_t>(reports);
    return leave(sim_call::wait, 0, reports);
  }
  void count_report() noexcept { ++reports_; }
  /// A wait without end for what cannot come.
  int deadlock();

 private:
  static constexpr std::uint32_t most_idle_waits = 2000;

  template <class Call>
  int on(sim_call call, int fd, Call f) {
    int failed = 0;
    sim_node* const n = enter(call, fd, failed);
    return leave(call, fd, failed != 0 ? -failed : f(*n));
  }
  int open(sim_node& n) {
    const int fd = descriptors_.open(n.self);
    if (fd < 0) forget(n);
    return fd;
  }
  /// An error of those that say that the system is short of something; 0: none.
  int shortage() noexcept {
    if (fires(fault::no_descriptor)) return EMFILE;
    if (fires(fault::no_file)) return ENFILE;
    if (fires(fault::no_buffers)) return ENOBUFS;
    return fires(fault::no_memory) ? ENOMEM : 0;
  }
  int connect_stream(sim_node& n, const endpoint& to);
  void give_name(sim_node& n, int family);

  sim_system system_;
  std::uint64_t reports_ = 0;
};

}  // namespace asyncore

#include <asyncore/sim/kernel_calls.hpp>

#endif

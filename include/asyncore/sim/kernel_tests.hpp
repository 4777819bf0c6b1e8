// SPDX-License-Identifier: BSL-1.0
/// What tests and pollers do with a `sim_kernel`, and its `sim_system`. Included by kernel.hpp.
#ifndef ASYNCORE_SIM_KERNEL_TESTS_HPP
#define ASYNCORE_SIM_KERNEL_TESTS_HPP

#include <asyncore/sim/kernel.hpp>

namespace asyncore {

inline std::array<int, 2> sim_kernel::socketpair() {
  sim_node& a = make_node(node_kind::stream);
  sim_node& b = make_node(node_kind::stream);
  a.local = b.local = true;
  a.name = b.name = a.peer_name = b.peer_name = detail::unnamed();
  join(a, b);
  const int first = descriptors_.open(a.self);
  return {first, descriptors_.open(b.self)};
}

inline std::array<int, 2> sim_kernel::pipe() {
  sim_node& reader = make_node(node_kind::pipe_reader);
  sim_node& writer = make_node(node_kind::pipe_writer);
  reader.peer = writer.self;
  writer.peer = reader.self;
  const int first = descriptors_.open(reader.self);
  return {first, descriptors_.open(writer.self)};
}

inline int sim_kernel::file(std::span<const std::byte> bytes) {
  sim_node& n = make_node(node_kind::file);
  n.content = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  return open(n);
}

inline void sim_kernel::reset(int fd) {
  sim_node* const n = at(fd);
  if (n == nullptr) return object(detail::joined({"reset of ", detail::fd_text(fd)}));
  break_connection(*n, ECONNRESET);
  close(fd);
}

inline void sim_kernel::make_urgent(int fd, bool on) noexcept {
  if (sim_node* const n = at(fd)) n->urgent = on;
}

inline int sim_kernel::epoll_create() {
  int failed = enter(sim_call::epoll_create);
  if (failed == 0) failed = fires(fault::no_descriptor) ? EMFILE : 0;
  return leave(sim_call::epoll_create, 0,
               failed != 0 ? -failed : open(make_node(node_kind::epoll)));
}

inline int sim_kernel::watch(int fd, bool on) {
  int failed = enter(sim_call::watch);
  if (failed == 0 && on && fires(fault::no_memory)) failed = ENOMEM;
  if (failed == 0 && on) descriptors_.watch(fd, 1);
  return -leave(sim_call::watch, fd, -failed);
}

inline int sim_kernel::begin_wait() {
  if (const int failed = enter(sim_call::wait); failed != 0)
    return leave(sim_call::wait, 0, -failed);
  if (fires(fault::interrupted)) return leave(sim_call::wait, 0, -EINTR);
  if (++idle_waits_ > most_idle_waits) {
    idle_waits_ = 0;
    object("the loop spins: its waits end, and nothing comes of it");
    return leave(sim_call::wait, 0, -EDEADLK);
  }
  deliver_due();
  return 0;
}

inline int sim_kernel::deadlock() {
  object("the loop waits without end for what can never come");
  return leave(sim_call::wait, 0, -EDEADLK);
}

template <class... Loops>
bool sim_kernel::run(Loops&... loops) {
  constexpr int most_pauses = 1000;
  for (int pauses = 0; (!loops.empty() || ...);) {
    const std::uint64_t before = activity_;
    (loops.poll(std::chrono::nanoseconds(0)), ...);
    if (activity_ != before) {
      pauses = 0;
    } else if (events_.empty() && ++pauses > most_pauses) {
      deadlock();
      return false;
    } else {
      // A loop may wait for a time: nobody can tell from outside.
      advance(now_ + std::chrono::milliseconds(10));
    }
  }
  return true;
}

inline sim_system::closing::closing(sim_kernel& of) noexcept
    : fd_closer{[](const fd_closer& self, int fd) noexcept {
        static_cast<const closing&>(self).kernel.close(fd);
      }},
      kernel(of) {}

namespace detail {
inline iovec piece_of(std::span<const std::byte> bytes) noexcept {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}
}  // namespace detail

inline std::ptrdiff_t sim_system::read(int fd, std::span<std::byte> into) {
  return kernel_.read(sim_call::read, fd, into);
}
inline std::ptrdiff_t sim_system::write(int fd, std::span<const std::byte> bytes) {
  const iovec piece = detail::piece_of(bytes);
  return kernel_.write(sim_call::write, fd, {&piece, 1});
}
inline std::ptrdiff_t sim_system::writev(int fd, std::span<const iovec> pieces) {
  return kernel_.write(sim_call::write, fd, pieces);
}
inline std::ptrdiff_t sim_system::recv(int fd, std::span<std::byte> into, int flags) {
  if ((flags & MSG_OOB) != 0) return kernel_.recv_urgent(fd, into);
  return kernel_.read(sim_call::recv, fd, into);
}
inline std::ptrdiff_t sim_system::send(int fd, std::span<const std::byte> bytes, int flags) {
  if ((flags & MSG_OOB) != 0) return kernel_.send_urgent(fd, bytes);
  const iovec piece = detail::piece_of(bytes);
  return kernel_.write(sim_call::send, fd, {&piece, 1});
}
inline std::ptrdiff_t sim_system::sendmsg(int fd, std::span<const iovec> pieces) {
  return kernel_.write(sim_call::send, fd, pieces);
}
inline std::ptrdiff_t sim_system::recvfrom(int fd, std::span<std::byte> into, endpoint& from) {
  return kernel_.read(sim_call::recvfrom, fd, into, &from);
}
inline std::ptrdiff_t sim_system::sendto(int fd, std::span<const std::byte> bytes,
                                         const endpoint& to) {
  const iovec piece = detail::piece_of(bytes);
  return kernel_.write(sim_call::sendto, fd, {&piece, 1}, &to);
}

inline int sim_system::socket(int family, int type) { return kernel_.socket(family, type); }
inline int sim_system::bind(int fd, const endpoint& where) { return kernel_.bind(fd, where); }
inline int sim_system::listen(int fd, int backlog) { return kernel_.listen(fd, backlog); }
inline int sim_system::connect(int fd, const endpoint& to) {
  const int status = kernel_.connect(fd, to);
  return status == -EINTR ? -EINPROGRESS : status;  // the attempt goes on
}
inline int sim_system::accept(int fd, endpoint& from) { return kernel_.accept(fd, from); }
inline int sim_system::shutdown(int fd, int how) { return kernel_.shutdown(fd, how); }
inline int sim_system::close(int fd) { return kernel_.close(fd); }
inline int sim_system::getsockname(int fd, endpoint& name) { return kernel_.getsockname(fd, name); }
inline int sim_system::getpeername(int fd, endpoint& name) { return kernel_.getpeername(fd, name); }
inline int sim_system::getsockopt(int fd, int level, int name, int& value) {
  return kernel_.getsockopt(fd, level, name, value);
}
inline int sim_system::setsockopt(int fd, int level, int name, int value) {
  return kernel_.setsockopt(fd, level, name, value);
}
inline int sim_system::reset_on_close(int fd) { return kernel_.reset_on_close(fd); }
inline int sim_system::dup(int fd) { return kernel_.dup(fd); }
inline int sim_system::set_nonblocking(int fd) { return kernel_.set_nonblocking(fd); }
inline int sim_system::unread(int fd) { return kernel_.unread(fd); }
inline int sim_system::drop_errors(int fd) { return kernel_.drop_errors(fd); }
inline std::chrono::nanoseconds sim_system::now() const noexcept { return kernel_.now(); }

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// A system whose bytes are counted.
#ifndef ASYNCORE_SYS_OBSERVED_SYSTEM_HPP
#define ASYNCORE_SYS_OBSERVED_SYSTEM_HPP

#include <asyncore/concept/system.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

namespace asyncore {

namespace detail {
template <class O>
concept hears_bytes = requires(O& o, std::size_t n) {
  o.received(n);
  o.sent(n);
};

template <class System>
struct waker_named {};
template <class System>
  requires requires { typename System::waker; }
struct waker_named<System> {
  using waker = typename System::waker;
};
}  // namespace detail

/// `System` (see concept/system.hpp), which tells an observer how many bytes each call moved.
template <class System, class Observer>
class observed_system : public detail::waker_named<System> {
  using inner = std::conditional_t<std::is_empty_v<System>, System, System&>;
  using bytes = std::span<const std::byte>;

 public:
  observed_system(inner system, Observer& observer) noexcept
      : s_(system), observer_(observer) {}

  std::ptrdiff_t read(int fd, std::span<std::byte> into) { return came(s_.read(fd, into)); }
  std::ptrdiff_t recv(int fd, std::span<std::byte> into) { return came(s_.recv(fd, into)); }
  std::ptrdiff_t recvfrom(int fd, std::span<std::byte> into, endpoint& from) {
    return came(s_.recvfrom(fd, into, from));
  }
  std::ptrdiff_t write(int fd, bytes from) { return went(s_.write(fd, from)); }
  std::ptrdiff_t writev(int fd, std::span<const iovec> from) { return went(s_.writev(fd, from)); }
  std::ptrdiff_t send(int fd, bytes from) { return went(s_.send(fd, from)); }
  std::ptrdiff_t sendmsg(int fd, std::span<const iovec> from) {
    return went(s_.sendmsg(fd, from));
  }
  std::ptrdiff_t sendto(int fd, bytes from, const endpoint& to) {
    return went(s_.sendto(fd, from, to));
  }

  int socket(int family, int type) { return s_.socket(family, type); }
  int bind(int fd, const endpoint& where) { return s_.bind(fd, where); }
  int listen(int fd, int backlog) { return s_.listen(fd, backlog); }
  int connect(int fd, const endpoint& to) { return s_.connect(fd, to); }
  int accept(int fd, endpoint& from) { return s_.accept(fd, from); }
  int shutdown(int fd, int how) { return s_.shutdown(fd, how); }
  int close(int fd) { return s_.close(fd); }
  int getsockname(int fd, endpoint& name) { return s_.getsockname(fd, name); }
  int getpeername(int fd, endpoint& name) { return s_.getpeername(fd, name); }
  int getsockopt(int fd, int level, int name, int& value) {
    return s_.getsockopt(fd, level, name, value);
  }
  int setsockopt(int fd, int level, int name, int value) {
    return s_.setsockopt(fd, level, name, value);
  }
  int reset_on_close(int fd)
    requires requires(System& s) { s.reset_on_close(0); }
  {
    return s_.reset_on_close(fd);
  }
  int dup(int fd) { return s_.dup(fd); }
  int set_nonblocking(int fd) { return s_.set_nonblocking(fd); }
  int unread(int fd) { return s_.unread(fd); }
  int drop_errors(int fd)
    requires requires(System& s) { s.drop_errors(0); }
  {
    return s_.drop_errors(fd);
  }
  std::chrono::nanoseconds now() noexcept { return s_.now(); }
  const fd_closer* closer() noexcept { return s_.closer(); }

 private:
  std::ptrdiff_t came(std::ptrdiff_t n) noexcept {
    if (n > 0) observer_.received(static_cast<std::size_t>(n));
    return n;
  }
  std::ptrdiff_t went(std::ptrdiff_t n) noexcept {
    if (n > 0) observer_.sent(static_cast<std::size_t>(n));
    return n;
  }

  [[no_unique_address]] inner s_;
  Observer& observer_;
};

}  // namespace asyncore

#endif

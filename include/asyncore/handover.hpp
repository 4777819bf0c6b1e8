// SPDX-License-Identifier: BSL-1.0
/// Listening sockets that outlive a process: given by systemd, or from a server to its successor.
#ifndef ASYNCORE_HANDOVER_HPP
#define ASYNCORE_HANDOVER_HPP

#include <asyncore/sys/posix_system.hpp>
#include <asyncore/sys/socket.hpp>
#include <asyncore/sys/unique_fd.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/log.hpp>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace asyncore {

namespace detail {
/// The number that the environment's variable `name` is, -1 when it is none.
inline int environment_number(const char* name) noexcept {
  const char* const text = std::getenv(name);
  if (text == nullptr) return -1;
  int value = -1;
  const char* const end = text + std::strlen(text);
  const auto read = std::from_chars(text, end, value);
  return read.ec == std::errc() && read.ptr == end ? value : -1;
}
}  // namespace detail

/// The most descriptors that one message takes (unix(7), SCM_MAX_FD).
inline constexpr std::size_t most_descriptors = 253;

/// The sockets that systemd's socket activation gives this process (sd_listen_fds(3)), in its
/// order: those from `first` on, as many as LISTEN_FDS says, if LISTEN_PID is this process;
/// otherwise none. Made close-on-exec; the variables are removed, so that programs which are run
/// do not take them for theirs, and a second call finds none. To be called before there are other
/// threads. A dispatcher takes one over by `set_socket` and `listen`.
/// Throws `std::system_error` when one is not open; bad_alloc.
inline std::vector<socket> inherited_sockets(int first = 3) {
  const int count = detail::environment_number("LISTEN_FDS");
  const bool ours = detail::environment_number("LISTEN_PID") == ::getpid();
  for (const char* const name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  std::vector<socket> sockets;
  if (!ours || count <= 0) return sockets;
  for (int fd = first; fd - first < count; ++fd) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
      detail::throw_error(errno_code(errno),
                          detail::joined({"inherited socket, ", detail::fd_text(fd)}));
    sockets.emplace_back(fd);
  }
  return sockets;
}

/// Gives duplicates of `descriptors`, from 1 to `most_descriptors`, to whoever reads from the UNIX
/// socket `through`, a stream or SOCK_SEQPACKET, by `receive_descriptors`. Throws `std::system_error`, or reports by
/// `failed`; `operation_would_block` when a non-blocking socket takes no more.
inline void send_descriptors(int through, std::span<const int> descriptors,
                             std::error_code& failed) {
  failed = {};
  if (descriptors.empty() || descriptors.size() > most_descriptors) {
    failed = std::make_error_code(std::errc::invalid_argument);
    return;
  }
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(most_descriptors * sizeof(int))> space{};
  char byte = 'd';  // a stream carries them with at least one
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  ssize_t n = 0;
  do n = ::sendmsg(through, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0) failed = errno_code(errno);
}
inline void send_descriptors(int through, std::span<const int> descriptors) {
  std::error_code failed;
  send_descriptors(through, descriptors, failed);
  detail::throw_if(failed, "send_descriptors");
}

/// What one call of `send_descriptors` at the other end has given, close-on-exec; nothing at the
/// end of the stream. Throws `std::system_error`, or reports by `failed`; `bad_message` when some
/// were lost for want of free descriptors, or when something else came: then all are closed.
inline std::vector<unique_fd> receive_descriptors(int through, std::error_code& failed) {
  failed = {};
  std::vector<unique_fd> received;
  received.reserve(most_descriptors);
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(most_descriptors * sizeof(int))> space{};
  char byte = 0;
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  ssize_t n = 0;
  do n = ::recvmsg(through, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0) {
    failed = errno_code(errno);
    return received;
  }
  for (cmsghdr* h = CMSG_FIRSTHDR(&message); h != nullptr; h = CMSG_NXTHDR(&message, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= h->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(h) + at, sizeof fd);
      received.emplace_back(fd);
    }
  }
  if (n == 0 && received.empty() && (message.msg_flags & MSG_CTRUNC) == 0) return received;
  // A message of another length, which a SOCK_SEQPACKET may have, is none of `send_descriptors`.
  if ((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0 || n == 0 || received.empty()) {
    received.clear();
    failed = std::make_error_code(std::errc::bad_message);
  }
  return received;
}
inline std::vector<unique_fd> receive_descriptors(int through) {
  std::error_code failed;
  auto received = receive_descriptors(through, failed);
  detail::throw_if(failed, "receive_descriptors");
  return received;
}

}  // namespace asyncore

#endif

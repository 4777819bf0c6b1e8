// SPDX-License-Identifier: BSL-1.0
/// The system calls of a simulated kernel, and what each can fail with.
#ifndef ASYNCORE_SIM_CALL_HPP
#define ASYNCORE_SIM_CALL_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace asyncore {

enum class sim_call : std::uint8_t {
  read, write, recv, send, recvfrom, sendto, socket, bind, listen, connect, accept, shutdown,
  close, getsockname, getpeername, getsockopt, setsockopt, dup, set_nonblocking, unread,
  epoll_create, watch, wait,
  // What the world does, for the trace.
  arrival, end, reset, connected, wake, clock,
};

namespace detail {
struct call_entry {
  std::string_view name;
  std::span<const int> errors;
};

// From the manual pages of Linux; EAGAIN and EINTR are the business of the faults, except where
// nothing else can happen.
inline constexpr int reading_errors[] = {EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM, EIO};
inline constexpr int writing_errors[] = {EAGAIN, ECONNRESET, EPIPE, ENOBUFS, ENOMEM, EIO};
inline constexpr int socket_errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EAFNOSUPPORT};
inline constexpr int bind_errors[] = {EADDRINUSE, EACCES, EADDRNOTAVAIL};
inline constexpr int listen_errors[] = {EADDRINUSE};
inline constexpr int connect_errors[] = {ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, EAGAIN};
inline constexpr int accept_errors[] = {EAGAIN, ECONNABORTED, EPROTO,  EMFILE,
                                        ENFILE, ENOBUFS,      ENOMEM, EINTR};
inline constexpr int shutdown_errors[] = {ENOTCONN};
inline constexpr int close_errors[] = {EIO, EINTR};  // closed all the same
inline constexpr int name_errors[] = {ENOBUFS};
inline constexpr int option_errors[] = {ENOMEM};
inline constexpr int descriptor_errors[] = {EMFILE};
inline constexpr int flag_errors[] = {EPERM};
inline constexpr int epoll_errors[] = {EMFILE, ENFILE, ENOMEM};
inline constexpr int watch_errors[] = {ENOMEM, ENOSPC};
inline constexpr int wait_errors[] = {EINTR, ENOMEM};

inline constexpr call_entry calls[] = {
    {"read", reading_errors},     {"write", writing_errors},      {"recv", reading_errors},
    {"send", writing_errors},     {"recvfrom", reading_errors},   {"sendto", writing_errors},
    {"socket", socket_errors},    {"bind", bind_errors},          {"listen", listen_errors},
    {"connect", connect_errors},  {"accept", accept_errors},      {"shutdown", shutdown_errors},
    {"close", close_errors},      {"getsockname", name_errors},   {"getpeername", name_errors},
    {"getsockopt", option_errors},{"setsockopt", option_errors},  {"dup", descriptor_errors},
    {"set_nonblocking", flag_errors}, {"unread", option_errors},  {"epoll_create", epoll_errors},
    {"watch", watch_errors},      {"wait", wait_errors},          {"arrival", {}},
    {"end", {}},                  {"reset", {}},                  {"connected", {}},
    {"wake", {}},                 {"clock", {}}};
}  // namespace detail

constexpr std::string_view call_name(sim_call call) noexcept {
  return detail::calls[static_cast<std::size_t>(call)].name;
}

/// The errno values that a call can fail with.
constexpr std::span<const int> call_errors(sim_call call) noexcept {
  return detail::calls[static_cast<std::size_t>(call)].errors;
}

}  // namespace asyncore

#endif

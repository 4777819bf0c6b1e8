// SPDX-License-Identifier: BSL-1.0
/// The results of calls that set a socket up.
#ifndef ASYNCORE_SYS_SETUP_CALLS_HPP
#define ASYNCORE_SYS_SETUP_CALLS_HPP

#include <asyncore/sys/endpoint.hpp>
#include <asyncore/word/error.hpp>

#include <sys/socket.h>

#include <string_view>
#include <system_error>

namespace asyncore::detail {

/// The error code of a call that returned `status`: a negative errno says that it failed.
inline std::error_code failure(int status) noexcept {
  return status < 0 ? errno_code(-status) : std::error_code();
}
template <class System>
std::error_code allow_reuse_port([[maybe_unused]] System&& system,
                                 [[maybe_unused]] int fd) noexcept {
#if defined(SO_REUSEPORT)
  return failure(system.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1));
#else
  return std::make_error_code(std::errc::operation_not_supported);
#endif
}
/// Throws when `failed`, naming the call and the address.
inline void throw_setup(std::error_code failed, std::string_view call, const endpoint& where) {
  if (failed) throw_error(failed, joined({call, " ", where.to_string()}));
}

}  // namespace asyncore::detail

#endif

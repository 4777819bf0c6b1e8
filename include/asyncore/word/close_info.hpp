// SPDX-License-Identifier: BSL-1.0
/// How a channel ended, as its last hook is told.
#ifndef ASYNCORE_WORD_CLOSE_INFO_HPP
#define ASYNCORE_WORD_CLOSE_INFO_HPP

#include <cstddef>
#include <system_error>

namespace asyncore {

/// What `handle_closed` is told of the channel's end.
struct close_info {
  /// Why the channel ended. Empty when the program closed it, or the peer ended its stream. An
  /// errno of the connection otherwise, or `timed_out` when the peer did not end within the linger
  /// time; `no_buffer_space` and `message_size` for the limits of output and input;
  /// `operation_canceled` for an exception without an errno.
  std::error_code reason;

  /// The bytes that `send` or `push` accepted and the kernel did not take. Bytes that the program
  /// discarded itself by `discard_buffers` do not count.
  std::size_t dropped = 0;

  /// True when a producer was left that had not said that it has no more.
  bool producers_left = false;

  /// True when the kernel has taken everything that was given to `send`, `push` and
  /// `push_with_producer`. It does not tell whether the peer has read it.
  bool all_sent() const noexcept { return dropped == 0 && !producers_left; }
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// A file that can be used where a socket is.
#ifndef ASYNCORE_SYS_FILE_WRAPPER_HPP
#define ASYNCORE_SYS_FILE_WRAPPER_HPP

#include <asyncore/sys/posix_system.hpp>
#include <asyncore/sys/unique_fd.hpp>
#include <asyncore/word/bytes.hpp>
#include <asyncore/word/io_result.hpp>
#include <asyncore/word/log.hpp>

#include <span>
#include <system_error>

namespace asyncore {

/// Python's `asyncore.file_wrapper`: owns a duplicate of a descriptor, so that the caller may
/// close its own. Movable only. `file_dispatcher` takes one over.
class file_wrapper {
 public:
  /// Duplicates `fd`. Throws `std::system_error`.
  explicit file_wrapper(int fd) : fd_(posix_system::dup(fd)) {
    if (!fd_)
      detail::throw_error(errno_code(EBADF),
                          detail::joined({"file_wrapper: ", detail::fd_text(fd)}));
  }

  /// Reads at most `into.size()` bytes; 0 bytes are the end of the file.
  io_result recv(std::span<std::byte> into) noexcept {
    return io_result(posix_system::read(fd_.get(), into));
  }
  io_result read(std::span<std::byte> into) noexcept { return recv(into); }

  /// Writes what the file takes.
  io_result send(bytes_view bytes) noexcept {
    return io_result(posix_system::write(fd_.get(), bytes));
  }
  io_result write(bytes_view bytes) noexcept { return send(bytes); }

  /// The duplicate; -1 after `close` or `release`.
  int native_handle() const noexcept { return fd_.get(); }

  /// Gives up ownership: the caller closes what is returned.
  int release() noexcept { return fd_.release(); }
  void close() noexcept { fd_.reset(); }

 private:
  unique_fd fd_;
};

}  // namespace asyncore

#endif

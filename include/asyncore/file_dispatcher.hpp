// SPDX-License-Identifier: BSL-1.0
/// A channel on a pipe, a terminal or a file.
#ifndef ASYNCORE_FILE_DISPATCHER_HPP
#define ASYNCORE_FILE_DISPATCHER_HPP

#include <asyncore/channel/io_channel.hpp>
#include <asyncore/concept/fwd.hpp>
#include <asyncore/concept/transport.hpp>
#include <asyncore/sys/file_wrapper.hpp>

#include <type_traits>

namespace asyncore {

/// Python's `asyncore.file_dispatcher`. Hooks that `Derived` may define: `handle_data` or
/// `handle_read`, `handle_write`, `handle_expt`, `handle_close`, `handle_error`; predicates:
/// `readable`, `writable`. A regular file is always ready.
template <class Derived, class Loop = default_loop>
class file_dispatcher : public io_channel<Derived, Loop, file_transport> {
  friend detail::kind_tag<file_dispatcher> asyncore_kind(file_dispatcher*) { return {}; }
  using base = io_channel<Derived, Loop, file_transport>;

 public:
  /// A channel without a file; `set_file` gives it one.
  explicit file_dispatcher(Loop& loop) noexcept : base(loop) {}

  /// Watches a duplicate of `fd`, as Python's `file_wrapper` does: `fd` stays the caller's, who
  /// may close it. The open file description, which both share, becomes non-blocking.
  /// Throws as `set_file`.
  file_dispatcher(Loop& loop, int fd) : base(loop) { set_file(fd); }

  /// Takes over `fd`. Throws as `set_file`.
  file_dispatcher(Loop& loop, unique_fd fd) : base(loop) { set_file(std::move(fd)); }

  /// With the default loop, the loop may be left out: it is this thread's.
  explicit file_dispatcher(int fd)
    requires std::is_same_v<Loop, default_loop>
      : file_dispatcher(this_thread_loop<Loop>(), fd) {}

  /// Duplicates `fd` and enters the loop; a file that it had is closed.
  /// Throws `std::system_error`, or reports by `failed`.
  void set_file(int fd) {
    std::error_code failed;
    set_file(fd, failed);
    if (failed) detail::throw_error(failed, detail::joined({"set_file: ", detail::fd_text(fd)}));
  }
  void set_file(int fd, std::error_code& failed);

  /// Takes over a descriptor, or a duplicate that has been made.
  void set_file(unique_fd fd);
  void set_file(file_wrapper file);

 private:
  void enter(int own, std::error_code& failed);
};

template <class Derived, class Loop>
void file_dispatcher<Derived, Loop>::set_file(int fd, std::error_code& failed) {
  const int own = this->loop().system().dup(fd);
  if (own < 0) {
    failed = errno_code(-own);
    return;
  }
  enter(own, failed);
}

template <class Derived, class Loop>
void file_dispatcher<Derived, Loop>::set_file(unique_fd fd) {
  std::error_code failed;
  enter(fd.release(), failed);
  detail::throw_if(failed, "set_file");
}

template <class Derived, class Loop>
void file_dispatcher<Derived, Loop>::set_file(file_wrapper file) {
  std::error_code failed;
  enter(file.release(), failed);
  detail::throw_if(failed, "set_file");
}

template <class Derived, class Loop>
void file_dispatcher<Derived, Loop>::enter(int own, std::error_code& failed) {
  this->abandon();
  this->set_descriptor(own);
  this->state_ = 0;
  const int status = this->loop().system().set_nonblocking(own);
  failed = status < 0 ? errno_code(-status) : std::error_code();
  if (!failed) this->add_channel(failed);
  if (failed) this->close_descriptor();
}

}  // namespace asyncore

#endif

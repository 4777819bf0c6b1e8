// SPDX-License-Identifier: BSL-1.0
/// Starting another program.
#ifndef ASYNCORE_SYS_SPAWN_HPP
#define ASYNCORE_SYS_SPAWN_HPP

#include <asyncore/sys/pipe.hpp>
#include <asyncore/sys/unique_fd.hpp>
#include <asyncore/word/config.hpp>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/types.h>
#include <unistd.h>

extern char** environ;

namespace asyncore {

/// What becomes of one of the three standard streams of a program.
enum class stdio {
  pipe,     // its other end is this program's
  inherit,  // it is that of this program
  null,     // /dev/null
};

/// A program to run, and how.
struct command {
  /// Its path; one without a slash is looked for in PATH.
  std::string program;
  /// What follows its name, which is `program`.
  std::vector<std::string> arguments = {};
  /// Its environment, each as "NAME=value"; empty: that of this program.
  std::vector<std::string> environment = {};
  stdio input = stdio::pipe;
  stdio output = stdio::pipe;
  stdio errors = stdio::pipe;
};

/// This program's ends of a program's pipes: close-on-exec and non-blocking; none where the command
/// asks for none. What is written to `input` it reads.
struct child_pipes {
  unique_fd input;
  unique_fd output;
  unique_fd errors;
};

namespace detail {

/// The descriptors that a program is to find as 0, 1 and 2, and what the kernel is to do with them.
class spawn_streams {
 public:
  spawn_streams() noexcept { ::posix_spawn_file_actions_init(&actions_); }
  spawn_streams(const spawn_streams&) = delete;
  spawn_streams& operator=(const spawn_streams&) = delete;
  ~spawn_streams() { ::posix_spawn_file_actions_destroy(&actions_); }

  /// Returns 0 or an errno.
  int set(int number, stdio what, unique_fd& ours) {
    const bool reads = number == 0;
    switch (what) {
      case stdio::inherit: return 0;
      case stdio::null:
        return ::posix_spawn_file_actions_addopen(&actions_, number, "/dev/null",
                                                  reads ? O_RDONLY : O_WRONLY, 0);
      case stdio::pipe: break;
    }
    int ends[2];
    if (const int failed = make_pipe(ends)) return -failed;
    unique_fd read_end(ends[0]), write_end(ends[1]);
    if (const int error = above_the_three(read_end)) return error;
    if (const int error = above_the_three(write_end)) return error;
    unique_fd& theirs = theirs_[number];
    theirs = std::move(reads ? read_end : write_end);
    ours = std::move(reads ? write_end : read_end);
    if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) < 0) return errno;
    return ::posix_spawn_file_actions_adddup2(&actions_, theirs.get(), number);
  }

  const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }

 private:
  /// Of this program 0, 1 and 2 may be closed: then a pipe must not be where another one goes.
  static int above_the_three(unique_fd& fd) noexcept {
    if (fd.get() > 2) return 0;
    const int moved = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3);
    if (moved < 0) return errno;
    fd = unique_fd(moved);
    return 0;
  }

  posix_spawn_file_actions_t actions_;
  unique_fd theirs_[3];
};

/// The signals of a program are as a shell would start it with: none blocked, and SIGPIPE ends it.
class spawn_signals {
 public:
  spawn_signals() noexcept {
    ::posix_spawnattr_init(&attributes_);
    sigset_t set;
    ::sigemptyset(&set);
    ::posix_spawnattr_setsigmask(&attributes_, &set);
    ::sigaddset(&set, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes_, &set);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  spawn_signals(const spawn_signals&) = delete;
  spawn_signals& operator=(const spawn_signals&) = delete;
  ~spawn_signals() { ::posix_spawnattr_destroy(&attributes_); }

  const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

inline std::vector<char*> pointers_to(const std::vector<std::string>& texts,
                                      const std::string* first = nullptr) {
  std::vector<char*> all;
  if (first != nullptr) all.push_back(const_cast<char*>(first->c_str()));
  for (const std::string& each : texts) all.push_back(const_cast<char*>(each.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace detail

/// Runs `what`; returns its process number, which has to be waited for, or a negative errno, also
/// that of exec. Throws bad_alloc. Thread-safe.
inline pid_t spawn(const command& what, child_pipes& pipes) {
  detail::spawn_streams streams;
  const detail::spawn_signals signals;
  child_pipes made;
  int error = streams.set(0, what.input, made.input);
  if (error == 0) error = streams.set(1, what.output, made.output);
  if (error == 0) error = streams.set(2, what.errors, made.errors);
  if (error != 0) return -error;
  const auto arguments = detail::pointers_to(what.arguments, &what.program);
  const auto environment = detail::pointers_to(what.environment);
  pid_t child = -1;
  error = ::posix_spawnp(&child, what.program.c_str(), streams.actions(), signals.attributes(),
                         arguments.data(),
                         what.environment.empty() ? environ : environment.data());
  if (error != 0) return -error;
  pipes = std::move(made);
  return child;
}

}  // namespace asyncore

#endif

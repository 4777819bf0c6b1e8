// SPDX-License-Identifier: BSL-1.0
/// A child process that does what this one must not.
#pragma once

#include "descriptors.hpp"

#include <csignal>
#include <cstdio>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>

namespace test {

/// How a child ended: its exit status, or the signal that killed it, and its standard error.
struct child_end {
  int status = -1;
  int signal = 0;
  std::string text;
};

/// Forks, calls `f` in the child, and waits for its end. The child exits with what `f` returns.
template <class F>
child_end in_child(F f) {
  const ends errors = pipe_to_near();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(errors.far.get(), STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);  // Boost.Test catches it
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::alarm(static_cast<unsigned>(patience / 1000));
    ::_exit(f());
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  child_end end;
  end.text = take(errors.near);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.status = WEXITSTATUS(status);
  return end;
}

}  // namespace test

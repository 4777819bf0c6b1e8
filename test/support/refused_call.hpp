// SPDX-License-Identifier: BSL-1.0
/// A kernel that refuses a system call, as in a sandbox or without memory.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace test {

/// Has each system call `number` of this process fail with `error`, if its second argument is
/// `second`, or any; for ever. False where that is not allowed.
inline bool refuse_calls(long number, int error, std::int64_t second = -1) {
  const auto refused = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
  const bool any = second < 0;
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args) + sizeof(std::uint64_t)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, any ? 0u : static_cast<std::uint32_t>(second), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, refused),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  if (!any)
    steps[3] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(second), 0, 1);
  const sock_fprog filter{sizeof steps / sizeof steps[0], steps};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// What `f()` returns, 0 to 100, in a process of its own in which calls are refused; -1 where that
/// is not allowed, and -2 when that process has crashed.
template <class F>
int where_refused(long number, int error, F f, std::int64_t second = -1) {
  constexpr int not_allowed = 101;
  const pid_t child = ::fork();
  if (child < 0) return -2;
  if (child == 0) ::_exit(refuse_calls(number, error, second) ? f() : not_allowed);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -2;
  return WEXITSTATUS(status) == not_allowed ? -1 : WEXITSTATUS(status);
}

}  // namespace test

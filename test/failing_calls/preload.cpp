// SPDX-License-Identifier: BSL-1.0
// A library for LD_PRELOAD that counts the system calls of a program, and has one of them fail. It
// is told by a page of memory that it shares with `run`: the file that FAILING_CALLS names.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

// Those that programs on the library make, from the first call in `main` to the last.
#define FAILING_CALLS(X)                                                                       \
  X(accept4) X(bind) X(close) X(connect) X(epoll_create1) X(epoll_ctl) X(epoll_wait)           \
  X(eventfd) X(fcntl64) X(getpeername) X(getsockname) X(getsockopt) X(ioctl) X(listen)           \
  X(pipe2) X(poll) X(read) X(recv) X(recvfrom) X(select) X(send) X(sendmsg) X(sendto)          \
  X(setsockopt) X(shutdown) X(sigaction) X(socket) X(write)

namespace {

enum number : int {
#define X(name) number_of_##name,
  FAILING_CALLS(X)
#undef X
  number_of_calls
};

constexpr const char* names[] = {
#define X(name) #name,
    FAILING_CALLS(X)
#undef X
};

/// `run` reads and writes the same fields: see `Page` there.
struct page {
  std::atomic<int> wanted;         // the call that fails, from 1; 0: none
  std::atomic<int> left;           // it is the left-th from now
  std::atomic<int> again;          // and after it each so-manieth; 0: no other
  std::atomic<int> error;          // the errno
  std::atomic<int> failed;         // how many have
  std::atomic<int> made[64];       // how often each was called
  char names[64][16];
};
static_assert(number_of_calls <= 64 && std::atomic<int>::is_always_lock_free);

page* shared = nullptr;

using call = long (*)(long, long, long, long, long, long);

call next(const char* name) { return reinterpret_cast<call>(::dlsym(RTLD_NEXT, name)); }

/// Whether this call is the one.
bool fails(number which) {
  if (shared == nullptr) return false;
  shared->made[which].fetch_add(1);
  if (shared->wanted.load() != which + 1 || shared->left.fetch_sub(1) != 1) return false;
  shared->left.store(shared->again.load());
  shared->failed.fetch_add(1);
  return true;
}

// What the kernel has done when a call fails with such an error: it has closed the descriptor
// whatever close(2) returns, goes on to connect after EINTR, and has lost a connection that it takes
// nothing for any more.
void do_what_the_kernel_did(number which, call real, long fd, long second, long third) {
  const int error = shared->error.load();
  if (which == number_of_close || (which == number_of_connect && error == EINTR))
    real(fd, second, third, 0, 0, 0);
  if ((which == number_of_send || which == number_of_sendmsg || which == number_of_shutdown) &&
      (error == EPIPE || error == ECONNRESET || error == ENOTCONN))
    next("shutdown")(fd, SHUT_RDWR, 0, 0, 0, 0);
}

[[gnu::constructor]] void begin() {
  const char* const file = std::getenv("FAILING_CALLS");
  const call opens = next("open");
  const int fd = file == nullptr ? -1 : static_cast<int>(opens(reinterpret_cast<long>(file),
                                                               O_RDWR | O_CLOEXEC, 0, 0, 0, 0));
  if (fd < 0) return;
  void* const at = ::mmap(nullptr, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  next("close")(fd, 0, 0, 0, 0, 0);
  if (at == MAP_FAILED) return;
  for (int i = 0; i < number_of_calls; ++i)
    std::strncpy(static_cast<page*>(at)->names[i], names[i], sizeof page::names[i] - 1);
  shared = static_cast<page*>(at);
}

}  // namespace

// Arguments of all these calls are integers and pointers, which Linux passes in registers whatever
// their number: so one shape serves for all.
#define X(name)                                                                             \
  extern "C" long failing_##name(long, long, long, long, long, long) asm(#name);            \
  extern "C" long failing_##name(long a, long b, long c, long d, long e, long f) {          \
    static const call real = next(#name);                                                   \
    if (!fails(number_of_##name)) return real(a, b, c, d, e, f);                            \
    do_what_the_kernel_did(number_of_##name, real, a, b, c);                                \
    errno = shared->error.load();                                                           \
    return -1;                                                                              \
  }
FAILING_CALLS(X)
#undef X

// SPDX-License-Identifier: BSL-1.0
// To be preloaded into a server: stands before the functions of the C library that servers make
// system calls by, and keeps count in the file that BENCH_CALL_METER names.
#undef _FILE_OFFSET_BITS  // which would make fcntl another name of fcntl64
#include "support/call_meter.hpp"

#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#include <cstdarg>
#include <cstdlib>

namespace {

bench::call_meter unused;
bench::call_meter* meter = &unused;

// One thread writes, so that a load and a store will do.
void add(std::atomic<std::uint64_t>& sum, std::uint64_t what) {
  sum.store(sum.load(std::memory_order_relaxed) + what, std::memory_order_release);
}

template <class Call>
auto metered(bench::call_kind kind, Call call) {
  const std::uint64_t begin = bench::ticks();
  meter->entered.store(begin, std::memory_order_release);
  const auto result = call();
  add(meter->inside, bench::ticks() - begin);
  meter->entered.store(0, std::memory_order_release);
  add(meter->calls[kind], 1);
  return result;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

[[gnu::noinline]] long nothing() {
  return metered(bench::other_call, [] {
    asm volatile("");
    return 0L;
  });
}

[[gnu::constructor]] void start() {
  std::uint64_t least = ~std::uint64_t{0};
  for (int round = 0; round < 20; ++round) {
    unused.inside = 0;
    const std::uint64_t begin = bench::ticks();
    for (int i = 0; i < 1024; ++i) nothing();
    const std::uint64_t outside = bench::ticks() - begin - unused.inside;
    if (outside < least) least = outside;
  }
  if (const char* name = std::getenv("BENCH_CALL_METER"))
    if (bench::call_meter* mapped = bench::map_call_meter(name)) meter = mapped;
  meter->overhead = least;
}

}  // namespace

#define METERED(kind, result, name, parameters, arguments)              \
  extern "C" result name parameters {                                   \
    static auto* const real = next<result parameters>(#name);           \
    return metered(bench::kind##_call, [&] { return real arguments; }); \
  }

METERED(wait, int, epoll_wait, (int a, epoll_event* b, int c, int d), (a, b, c, d))
METERED(wait, int, epoll_pwait, (int a, epoll_event* b, int c, int d, const sigset_t* e),
        (a, b, c, d, e))
METERED(wait, int, poll, (pollfd* a, nfds_t b, int c), (a, b, c))
METERED(wait, int, select, (int a, fd_set* b, fd_set* c, fd_set* d, timeval* e), (a, b, c, d, e))
METERED(control, int, epoll_ctl, (int a, int b, int c, epoll_event* d) noexcept, (a, b, c, d))
METERED(receive, ssize_t, read, (int a, void* b, std::size_t c), (a, b, c))
METERED(receive, ssize_t, readv, (int a, const iovec* b, int c), (a, b, c))
METERED(receive, ssize_t, recv, (int a, void* b, std::size_t c, int d), (a, b, c, d))
METERED(receive, ssize_t, recvmsg, (int a, msghdr* b, int c), (a, b, c))
METERED(send, ssize_t, write, (int a, const void* b, std::size_t c), (a, b, c))
METERED(send, ssize_t, writev, (int a, const iovec* b, int c), (a, b, c))
METERED(send, ssize_t, send, (int a, const void* b, std::size_t c, int d), (a, b, c, d))
METERED(send, ssize_t, sendmsg, (int a, const msghdr* b, int c), (a, b, c))
METERED(other, int, accept, (int a, sockaddr* b, socklen_t* c), (a, b, c))
METERED(other, int, accept4, (int a, sockaddr* b, socklen_t* c, int d), (a, b, c, d))
METERED(other, int, close, (int a), (a))
METERED(other, int, shutdown, (int a, int b) noexcept, (a, b))
METERED(other, int, getpeername, (int a, sockaddr* b, socklen_t* c) noexcept, (a, b, c))
METERED(other, int, getsockname, (int a, sockaddr* b, socklen_t* c) noexcept, (a, b, c))
METERED(other, int, getsockopt, (int a, int b, int c, void* d, socklen_t* e) noexcept,
        (a, b, c, d, e))
METERED(other, int, setsockopt, (int a, int b, int c, const void* d, socklen_t e) noexcept,
        (a, b, c, d, e))
METERED(other, int, timerfd_settime,
        (int a, int b, const itimerspec* c, itimerspec* d) noexcept, (a, b, c, d))

// Their last argument is a number or a pointer, or is not there: passed on as a pointer.
#define METERED_VARIADIC(name, second)                                             \
  extern "C" int name(int fd, second what, ...) {                                  \
    static auto* const real = next<int(int, second, ...)>(#name);                  \
    std::va_list list;                                                             \
    va_start(list, what);                                                          \
    void* const argument = va_arg(list, void*);                                    \
    va_end(list);                                                                  \
    return metered(bench::other_call, [&] { return real(fd, what, argument); });   \
  }

METERED_VARIADIC(fcntl, int)
METERED_VARIADIC(fcntl64, int)
extern "C" int ioctl(int fd, unsigned long what, ...) noexcept {
  static auto* const real = next<int(int, unsigned long, ...)>("ioctl");
  std::va_list list;
  va_start(list, what);
  void* const argument = va_arg(list, void*);
  va_end(list);
  return metered(bench::other_call, [&] { return real(fd, what, argument); });
}

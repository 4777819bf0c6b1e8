// SPDX-License-Identifier: BSL-1.0
/// System calls of a process, counted and timed from inside it without ptrace, so that it runs at
/// nearly its own speed. call_meter.cpp counts, in a file that the load client reads too.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#else
#include <time.h>
#endif

namespace bench {

enum call_kind : std::size_t { wait_call, control_call, receive_call, send_call, other_call };
inline constexpr const char* call_names[] = {"wait", "control", "receive", "send", "other"};
inline constexpr std::size_t call_kinds = 5;

/// Time in units of its own, which cost little to ask for.
inline std::uint64_t ticks() {
#if defined(__x86_64__) || defined(__i386__)
  return __rdtsc();
#else
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
#endif
}

struct call_meter {
  std::atomic<std::uint64_t> calls[call_kinds];
  std::atomic<std::uint64_t> inside;    // ticks between the begin and the end of calls
  std::atomic<std::uint64_t> entered;   // when the call under way began; 0 outside of one
  std::atomic<std::uint64_t> overhead;  // ticks that measuring 1,024 calls adds outside of them
};

/// Ticks spent inside of calls until now, as another process sees it.
inline std::uint64_t ticks_inside(const call_meter& meter) {
  while (true) {
    const std::uint64_t entered = meter.entered, inside = meter.inside;
    const std::uint64_t until = ticks();
    if (entered == meter.entered) return inside + (entered == 0 ? 0 : until - entered);
  }
}

/// The meter in the file of this name, null where it cannot be opened.
inline call_meter* map_call_meter(const char* name) {
  const int file = ::open(name, O_RDWR | O_CLOEXEC);
  if (file < 0) return nullptr;
  void* memory =
      ::mmap(nullptr, sizeof(call_meter), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return memory == MAP_FAILED ? nullptr : static_cast<call_meter*>(memory);
}

}  // namespace bench

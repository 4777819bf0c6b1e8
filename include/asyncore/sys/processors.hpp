// SPDX-License-Identifier: BSL-1.0
/// The processors that a thread may use, and staying on one of them.
#ifndef ASYNCORE_SYS_PROCESSORS_HPP
#define ASYNCORE_SYS_PROCESSORS_HPP

#include <asyncore/word/config.hpp>
#include <asyncore/word/error.hpp>

#include <cerrno>
#include <system_error>
#include <thread>
#include <vector>

#if ASYNCORE_HAS_AFFINITY
#include <sched.h>
#endif

namespace asyncore {

/// The numbers of the processors that the calling thread may run on, at least one; where the
/// system does not tell, 0 to their count. Throws bad_alloc.
inline std::vector<int> usable_processors() {
  std::vector<int> usable;
#if ASYNCORE_HAS_AFFINITY
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) usable.push_back(cpu);
#endif
  if (usable.empty()) {
    const unsigned count = std::thread::hardware_concurrency();
    for (int cpu = 0; cpu == 0 || static_cast<unsigned>(cpu) < count; ++cpu) usable.push_back(cpu);
  }
  return usable;
}

/// Has the calling thread run on processor `cpu` alone (sched_setaffinity(2)). Returns the error;
/// `function_not_supported` where there is no such call.
inline std::error_code stay_on_processor([[maybe_unused]] int cpu) noexcept {
#if ASYNCORE_HAS_AFFINITY
  if (cpu < 0 || cpu >= CPU_SETSIZE) return std::make_error_code(std::errc::invalid_argument);
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(cpu), &only);
  return ::sched_setaffinity(0, sizeof only, &only) == 0 ? std::error_code() : errno_code(errno);
#else
  return std::make_error_code(std::errc::function_not_supported);
#endif
}

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// What happened in a simulation, as a number and as text.
#ifndef ASYNCORE_SIM_TRACE_HPP
#define ASYNCORE_SIM_TRACE_HPP

#include <asyncore/sim/call.hpp>
#include <asyncore/sim/random.hpp>
#include <asyncore/word/duration.hpp>

#include <cstdint>
#include <cstdio>
#include <string_view>

namespace asyncore {

/// Two runs that made the same calls with the same results at the same times have the same hash.
class sim_trace {
 public:
  /// Adds a line: a call, the descriptor or object that it is about, and what came of it.
  void note(std::chrono::nanoseconds now, sim_call call, std::int64_t about,
            std::int64_t result) noexcept {
    ++lines_;
    add(static_cast<std::uint64_t>(now.count()));
    add(static_cast<std::uint64_t>(call) << 32 ^ static_cast<std::uint64_t>(about));
    add(static_cast<std::uint64_t>(result));
    if (out_ != nullptr) print(now, call, about, result);
  }

  /// Adds what a test has seen.
  void add(std::uint64_t value) noexcept { hash_ = sim_random::mixed(hash_ + value); }

  std::uint64_t hash() const noexcept { return hash_; }
  std::uint64_t lines() const noexcept { return lines_; }

  /// Prints every line from now on to `out`; nowhere when null.
  void print_to(std::FILE* out) noexcept { out_ = out; }

  /// Prints a remark between the lines, which does not count in the hash.
  void remark(std::string_view text) noexcept {
    if (out_ != nullptr)
      std::fprintf(out_, "%16s  %.*s\n", "", static_cast<int>(text.size()), text.data());
  }

 private:
  void print(std::chrono::nanoseconds now, sim_call call, std::int64_t about,
             std::int64_t result) noexcept {
    const std::string_view name = call_name(call);
    std::fprintf(out_, "%16lld  %.*s(%lld) = %lld\n", static_cast<long long>(now.count()),
                 static_cast<int>(name.size()), name.data(), static_cast<long long>(about),
                 static_cast<long long>(result));
  }

  std::uint64_t hash_ = 0;
  std::uint64_t lines_ = 0;
  std::FILE* out_ = nullptr;
};

}  // namespace asyncore

#endif

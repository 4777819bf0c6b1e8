// SPDX-License-Identifier: BSL-1.0
/// What a simulated kernel does wrong, and how often.
#ifndef ASYNCORE_SIM_FAULTS_HPP
#define ASYNCORE_SIM_FAULTS_HPP

#include <asyncore/sim/random.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace asyncore {

/// All of them are things that a kernel or a network may do.
enum class fault : std::uint8_t {
  one_byte_read,
  short_read,
  one_byte_write,
  short_write,
  again_after_readiness,  // EAGAIN although the poller reported
  spurious_readiness,     // the poller reports what is not so
  interrupted,            // EINTR
  connection_reset,       // ECONNRESET at any call on a stream, which is over then
  broken_pipe,            // EPIPE at any writing call, likewise
  connection_aborted,     // accept: ECONNABORTED
  no_descriptor,          // EMFILE
  no_file,                // ENFILE
  no_buffers,             // ENOBUFS
  no_memory,              // ENOMEM
  late_connect_failure,   // connect: EINPROGRESS, and then an error
  reordered,              // reports in another order
  delayed,                // what is sent takes longer
  split,                  // reports of one turn, or bits of one report, come in several
  hangup_with_data,       // the end comes together with the bytes before it, as a hangup
  peer_closes,            // the other side closes while a call is made
};
inline constexpr std::size_t fault_kinds = static_cast<std::size_t>(fault::peer_closes) + 1;

/// The name of a fault, as it stands in the enumeration.
constexpr std::string_view fault_name(fault kind) noexcept {
  constexpr std::string_view names[fault_kinds] = {
      "one_byte_read",      "short_read",           "one_byte_write",   "short_write",
      "again_after_readiness", "spurious_readiness", "interrupted",     "connection_reset",
      "broken_pipe",        "connection_aborted",   "no_descriptor",    "no_file",
      "no_buffers",         "no_memory",            "late_connect_failure", "reordered",
      "delayed",            "split",                "hangup_with_data", "peer_closes"};
  return names[static_cast<std::size_t>(kind)];
}

/// A rate and a counter for each fault. All are off at first.
class sim_faults {
 public:
  static constexpr std::uint32_t always = 65536;

  /// Has the fault fire `rate` times in 65536 opportunities; 0 is never.
  void set(fault kind, std::uint32_t rate) noexcept { rates_[at(kind)] = rate; }
  std::uint32_t rate(fault kind) const noexcept { return rates_[at(kind)]; }

  /// How often it fired.
  std::uint64_t count(fault kind) const noexcept { return counts_[at(kind)]; }

  /// Switches about half of them on, each at a rate of its own.
  void choose(sim_random& random) noexcept {
    for (std::size_t i = 0; i < fault_kinds; ++i) {
      const std::uint64_t bits = random.next();
      const auto kind = static_cast<fault>(i);
      const unsigned rarer = ends_connections(kind) ? 6 : 2;
      rates_[i] = (bits & 1) != 0 ? always >> (rarer + (bits >> 8) % 5) : 0;
    }
  }

  /// The same, but none that ends a connection or has a call on one fail: whatever happens, all
  /// that is sent must arrive.
  void choose_harmless(sim_random& random) noexcept {
    choose(random);
    for (std::size_t i = 0; i < fault_kinds; ++i)
      if (const auto kind = static_cast<fault>(i);
          ends_connections(kind) || kind == fault::connection_aborted)
        rates_[i] = 0;
  }

  /// Switches all of them off; the counters stay.
  void stop() noexcept { rates_ = {}; }

  /// True when the fault fires now.
  bool fires(fault kind, sim_random& random) noexcept {
    const std::uint32_t rate = rates_[at(kind)];
    if (rate == 0 || !random.chance(rate)) return false;
    ++counts_[at(kind)];
    return true;
  }

 private:
  static constexpr std::size_t at(fault kind) noexcept { return static_cast<std::size_t>(kind); }
  static constexpr bool ends_connections(fault kind) noexcept {
    return kind == fault::connection_reset || kind == fault::broken_pipe ||
           kind == fault::peer_closes || kind == fault::no_buffers || kind == fault::no_memory;
  }

  std::array<std::uint32_t, fault_kinds> rates_{};
  std::array<std::uint64_t, fault_kinds> counts_{};
};

}  // namespace asyncore

#endif

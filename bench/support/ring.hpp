// SPDX-License-Identifier: BSL-1.0
/// The work that every program of dispatch_cost does: bytes that travel around a ring of pipes.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "options.hpp"

namespace bench {

/// One station of the ring: the pipe it reads from and the pipe it writes to.
struct link {
  int from;
  int to;
};

/// Takes one byte out of one pipe and puts it into the next: the work of one event.
inline void hop(int from, int to) {
  char byte;
  if (::read(from, &byte, 1) != 1) fail("read from a pipe of the ring");
  if (::write(to, &byte, 1) != 1) fail("write to a pipe of the ring");
}

/// Puts bytes that were received into the next pipe.
inline void pass_on(std::span<const std::byte> data, int to) {
  if (::write(to, data.data(), data.size()) != static_cast<ssize_t>(data.size()))
    fail("write to a pipe of the ring");
}

class ring {
 public:
  explicit ring(std::string what) : options_(std::move(what)) {
    options_.add_option("--pipes", pipes_, "pipes in the ring")
        ->capture_default_str()
        ->check(CLI::Range(1, 100'000));
    options_.add_option("--bytes", bytes_, "bytes that travel at the same time")
        ->capture_default_str()
        ->check(CLI::Range(1, 50'000));
    options_.add_option("--hops", hops_, "hops before the end, all bytes together")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
  }

  /// Where a program adds options of its own, before `open`.
  CLI::App& options() { return options_; }

  /// Adds --poller, which takes one of `names`, the first by default.
  void choose_poller(std::vector<std::string> names) {
    poller_ = names.front();
    options_.add_option("--poller", poller_, "what waits")
        ->capture_default_str()
        ->check(CLI::IsMember(std::move(names)));
  }
  const std::string& poller() const { return poller_; }

  /// Adds --once: the program calls its loop once for each turn, and not once for all.
  void choose_turns() { options_.add_flag("--once", once_, "a call of the loop for each turn"); }
  bool once() const { return once_; }

  /// Keeps the bytes in a pipe apart (pipe(2), O_DIRECT): a reader takes one, however large its
  /// buffer is.
  void keep_apart() { pipe_flags_ |= O_DIRECT; }

  /// Reads the command line, makes the pipes and puts the bytes in, evenly spread. The ends that
  /// are watched get the low descriptors, so that select reaches as many as it can.
  void open(int argc, char** argv) {
    parse(options_, argc, argv);
    const auto count = static_cast<std::size_t>(pipes_);
    allow_descriptors(2 * count + 32);
    std::vector<int> read_ends, write_ends;
    for (std::size_t i = 0; i < count; ++i) {
      int ends[2];
      if (::pipe2(ends, pipe_flags_) != 0) fail("pipe2");
      read_ends.push_back(ends[0]);
      write_ends.push_back(::fcntl(ends[1], F_DUPFD_CLOEXEC, static_cast<int>(count) + 24));
      if (write_ends.back() < 0) fail("F_DUPFD_CLOEXEC");
      ::close(ends[1]);
    }
    for (std::size_t i = 0; i < count; ++i)
      links_.push_back({read_ends[i], write_ends[(i + 1) % count]});
    const auto bytes = static_cast<std::size_t>(bytes_);
    for (std::size_t i = 0; i < bytes; ++i)
      if (::write(write_ends[i * count / bytes % count], "x", 1) != 1) fail("fill the ring");
    start_ = std::chrono::steady_clock::now();
  }

  const std::vector<link>& links() const { return links_; }

  /// How many hops to make.
  long hops() const { return hops_; }

  /// Prints the time one hop took, kernel and all.
  void report() const {
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start_;
    std::printf("ns_per_hop %.1f\n", took.count() / static_cast<double>(hops_));
  }

 private:
  CLI::App options_;
  std::string poller_;
  int pipes_ = 100;
  int bytes_ = 100;
  long hops_ = 1'000'000;
  bool once_ = false;
  int pipe_flags_ = O_NONBLOCK | O_CLOEXEC;
  std::vector<link> links_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace bench

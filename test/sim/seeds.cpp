// SPDX-License-Identifier: BSL-1.0
// Runs the simulation with many seeds, prints TAP, and for each that fails the command that plays
// it again with its trace.
#include "seeds.hpp"

#include "../support/matrix.hpp"

#include <asyncore/sim.hpp>

#include <atomic>
#include <charconv>
#include <cinttypes>
#include <cstring>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using test::sim::seed_result;

struct place_entry {
  std::string_view poller, map;
  seed_result (*run)(std::uint64_t, std::FILE*);
};
template <class Poller, class Kind, bool Closed>
constexpr auto run = test::sim::run_seed<test::place<Poller, Kind, Closed>>;

template <class Poller>
constexpr place_entry dense{Poller::name.substr(4), "fd_table", run<Poller, test::dense, true>};
template <class Poller>
constexpr place_entry fixed{Poller::name.substr(4), "fixed_fd_table",
                            run<Poller, test::fixed, false>};
template <class Poller>
constexpr place_entry hashed{Poller::name.substr(4), "hash_map", run<Poller, test::hashed, true>};

using asyncore::sim_epoll_poller;
using asyncore::sim_poll_poller;
using asyncore::sim_select_poller;
constexpr place_entry places[] = {
    dense<sim_epoll_poller>,  dense<sim_poll_poller>,  dense<sim_select_poller>,
    fixed<sim_epoll_poller>,  fixed<sim_poll_poller>,  fixed<sim_select_poller>,
    hashed<sim_epoll_poller>, hashed<sim_poll_poller>, hashed<sim_select_poller>};

/// Seeds that once found something, in the tree so that they are always run.
constexpr std::uint64_t kept[] = {
#include "kept_seeds.inc"
};

/// The hash of the traces of the first `sampled` seeds everywhere, the same with every compiler.
constexpr std::uint64_t sampled = 200;
constexpr std::uint64_t known_hash =
#include "known_hash.inc"
    ;

struct options {
  std::uint64_t first = 1;
  std::uint64_t seeds = 10000;
  std::uint64_t jobs = 1;
  std::string_view poller, map;
  bool trace = false;
};

class runner {
 public:
  explicit runner(const options& o) : options_(o) {}

  int run() {
    if (options_.trace) return trace();
    std::printf("1..%d\n", 4);
    every_seed();
    kept_seeds();
    same_again();
    every_fault();
    std::printf("# %" PRIu64 " seeds, %" PRIu64 " connections, hash %016" PRIx64 "\n", seeds_,
                connections_, hash_);
    return failed_ ? 1 : 0;
  }

 private:
  bool chosen(const place_entry& p) const {
    return (options_.poller.empty() || options_.poller == p.poller) &&
           (options_.map.empty() || options_.map == p.map);
  }
  template <class F>
  void for_each_place(F f) {
    for (const place_entry& p : places)
      if (chosen(p)) f(p);
  }

  /// The seeds are dealt out to the places in turn.
  void every_seed() {
    std::vector<const place_entry*> in;
    for_each_place([&](const place_entry& p) { in.push_back(&p); });
    if (in.empty()) return say(false, "no such poller or map");
    std::atomic<std::uint64_t> next = 0;
    const auto work = [&] {
      for (std::uint64_t i = 0; (i = next++) < options_.seeds;)
        one(*in[i % in.size()], options_.first + i);
    };
    std::vector<std::thread> others;
    for (std::uint64_t i = 1; i < options_.jobs; ++i) others.emplace_back(work);
    work();
    for (std::thread& each : others) each.join();
    say(bad_ == 0, "seeds");
  }

  void kept_seeds() {
    const std::uint64_t bad = bad_;
    for (const std::uint64_t seed : kept)
      for_each_place([&](const place_entry& p) { one(p, seed); });
    say(bad == bad_, "seeds that once found something");
  }

  void same_again() {
    const std::uint64_t first = sample(), second = sample();
    const bool all = options_.poller.empty() && options_.map.empty();
    if (first != second || (all && first != known_hash))
      std::printf("# traces of %" PRIu64 " seeds: 0x%016" PRIx64 ", then 0x%016" PRIx64
                  ", known is 0x%016" PRIx64 "\n",
                  sampled, first, second, known_hash);
    say(first == second && (!all || first == known_hash), "traces are the same every time");
  }
  std::uint64_t sample() {
    std::uint64_t hash = 0;
    for (std::uint64_t seed = 1; seed <= sampled; ++seed)
      for_each_place([&](const place_entry& p) { mix(hash, p.run(seed, nullptr).hash); });
    return hash;
  }

  void every_fault() {
    bool all = true;
    for (std::size_t i = 0; i < asyncore::fault_kinds; ++i) {
      const std::string_view name = asyncore::fault_name(static_cast<asyncore::fault>(i));
      std::printf("# %-22.*s fired %" PRIu64 " times\n", static_cast<int>(name.size()), name.data(),
                  faults_[i]);
      all &= faults_[i] > 0;
    }
    // A few seeds need not meet every fault.
    say(all || options_.seeds < 1000, "every fault has fired");
  }

  void one(const place_entry& p, std::uint64_t seed) {
    const seed_result r = p.run(seed, nullptr);
    const std::lock_guard lock(mutex_);
    ++seeds_;
    connections_ += r.connections;
    hash_ += asyncore::sim_random::mixed(r.hash ^ seed);  // in any order
    for (std::size_t i = 0; i < asyncore::fault_kinds; ++i) faults_[i] += r.faults[i];
    if (r.objections.empty()) return;
    constexpr std::uint64_t most_shown = 10;
    if (++bad_ > most_shown) return;
    std::printf("# seed %" PRIu64 " fails:\n", seed);
    for (const std::string& text : r.objections) std::printf("#   %s\n", text.c_str());
    std::printf("# play it again: test/sim/replay %" PRIu64 " %.*s %.*s\n", seed,
                static_cast<int>(p.poller.size()), p.poller.data(),
                static_cast<int>(p.map.size()), p.map.data());
  }

  int trace() {
    for_each_place([&](const place_entry& p) {
      const seed_result r = p.run(options_.first, stdout);
      for (const std::string& text : r.objections) std::printf("OBJECTION %s\n", text.c_str());
      failed_ |= !r.objections.empty();
      std::printf("hash %016" PRIx64 "\n", r.hash);
    });
    return failed_ ? 1 : 0;
  }

  static void mix(std::uint64_t& hash, std::uint64_t value) {
    hash = asyncore::sim_random::mixed(hash + value);
  }
  void say(bool good, const char* what) {
    std::printf("%s %s\n", good ? "ok" : "not ok", what);
    std::fflush(stdout);
    failed_ |= !good;
  }

  options options_;
  std::mutex mutex_;  // of what follows, while there are several threads
  bool failed_ = false;
  std::uint64_t seeds_ = 0, connections_ = 0, bad_ = 0, hash_ = 0;
  std::array<std::uint64_t, asyncore::fault_kinds> faults_{};
};

bool number(const char* text, std::uint64_t& out) {
  const char* const end = text + std::strlen(text);
  return std::from_chars(text, end, out).ptr == end;
}

bool parse(int argc, char** argv, options& o) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      o.trace = true;
      continue;
    }
    if (++i == argc) return false;
    if (name == "--seeds" && number(argv[i], o.seeds)) continue;
    if (name == "--first" && number(argv[i], o.first)) continue;
    if (name == "--jobs" && number(argv[i], o.jobs)) continue;
    if (name == "--poller") {
      o.poller = argv[i];
    } else if (name == "--map") {
      o.map = argv[i];
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  if (!parse(argc, argv, o)) {
    std::fputs("usage: seeds [--seeds N] [--first SEED] [--jobs N] [--trace]\n"
               "             [--poller epoll|poll|select]\n"
               "             [--map fd_table|fixed_fd_table|hash_map]\n"
               "--trace plays the first seed and prints what happens.\n",
               stderr);
    return 2;
  }
  return runner(o).run();
}

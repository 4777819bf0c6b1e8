// SPDX-License-Identifier: BSL-1.0
/// The work that every program of `timers` does: many timers that wait at the same time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "options.hpp"

namespace bench {

class timer_work {
 public:
  timer_work(int argc, char** argv, std::string what) : options_(std::move(what)) {
    options_.add_option("--timers", timers_, "timers that wait")
        ->capture_default_str()
        ->check(CLI::Range(1, 100'000'000));
    options_.add_option("--active", active_, "of those, the ones that are refreshed")
        ->capture_default_str()
        ->check(CLI::Range(1, 100'000'000));
    options_.add_flag("--shuffled", shuffled_, "cancel in another order than that of creation");
    parse(options_, argc, argv);
    if (active_ > timers_) active_ = timers_;
    std::mt19937 random(1);
    for (std::size_t i = 0; i < timers_; ++i)
      delays_.push_back(1'000'000'000 + static_cast<std::int64_t>(random() % 60'000'000) * 1000);
    order_.resize(timers_);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    if (shuffled_) std::shuffle(order_.begin(), order_.end(), random);
  }

  std::size_t timers() const { return timers_; }

  /// Times `insert(i, nanoseconds)`, `refresh(i)`, which puts it off by 61 s, and `cancel(i)`.
  /// Everything once before, so that memory is there.
  template <class Insert, class Refresh, class Cancel>
  void run(Insert insert, Refresh refresh, Cancel cancel) const {
    for (const bool counts : {false, true}) {
      const double inserted = time(timers_, [&] {
        for (std::size_t i = 0; i < timers_; ++i) insert(i, delays_[i]);
      });
      const std::size_t rounds = (timers_ + active_ - 1) / active_;
      for (std::size_t i = 0; i < active_; ++i) refresh(order_[i]);
      const double refreshed = time(rounds * active_, [&] {
        for (std::size_t round = 0; round < rounds; ++round)
          for (std::size_t i = 0; i < active_; ++i) refresh(order_[i]);
      });
      const double cancelled = time(timers_, [&] {
        for (const std::size_t i : order_) cancel(i);
      });
      if (counts)
        std::printf("ns_per_insert %.2f\nns_per_refresh %.2f\nns_per_cancel %.2f\n", inserted,
                    refreshed, cancelled);
    }
  }

 private:
  template <class Work>
  static double time(std::size_t count, Work work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    return took.count() / static_cast<double>(count);
  }

  CLI::App options_;
  std::size_t timers_ = 1'000'000;
  std::size_t active_ = 1000;
  bool shuffled_ = false;
  std::vector<std::int64_t> delays_;
  std::vector<std::size_t> order_;
};

}  // namespace bench

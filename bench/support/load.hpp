// SPDX-License-Identifier: BSL-1.0
/// A load on a server: conversations that each wait for an answer before they go on, and what comes
/// of it for the server.
#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <chrono>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "call_meter.hpp"
#include "client.hpp"

namespace bench {

using clock_type = std::chrono::steady_clock;

struct load_options {
  server_address address;
  int connections = 16;
  double seconds = 2;
  double warm_up = 0.5;
  double rest = 0;
  std::vector<int> cpus;
  int server = 0;
  std::string meter;
  bool spin = false;
  bool latency = false;

  void add_to(CLI::App& app) {
    address.add_to(app);
    app.add_option("--connections", connections, "connections, one question out on each")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--seconds", seconds, "how long to count")->capture_default_str();
    app.add_option("--warm-up", warm_up, "seconds before counting")->capture_default_str();
    app.add_option("--cpus", cpus, "processors, as in 1,2: one pinned thread on each")
        ->delimiter(',');
    app.add_option("--server-pid", server, "also measure this process's processor time");
    app.add_option("--meter", meter, "also read the file that the server's call meter writes");
    app.add_option("--rest", rest, "seconds of silence afterwards, to see what the server uses");
    app.add_flag("--spin", spin, "never sleep: poll for the answers");
    app.add_flag("--latency", latency, "also tell how long answers take");
  }
};

/// When answers count. It begins when all threads have asked their first questions.
struct window {
  explicit window(std::size_t threads) : asked(static_cast<std::ptrdiff_t>(threads)) {}

  std::latch asked;
  std::latch open{1};
  clock_type::time_point begin, end;
};

struct tally {
  std::uint64_t answers = 0;
  double seconds = 0;
  std::vector<float> microseconds;  // of each answer, if asked for
};

/// What the server had used at a moment.
struct server_use {
  clock_type::time_point when = clock_type::now();
  std::uint64_t at = ticks();
  double processor = 0;
  std::uint64_t calls[call_kinds] = {}, inside = 0;

  server_use(const load_options& chosen, const call_meter* meter) {
    if (chosen.server != 0) processor = processor_seconds(chosen.server);
    if (meter == nullptr) return;
    for (std::size_t i = 0; i < call_kinds; ++i) calls[i] = meter->calls[i];
    inside = ticks_inside(*meter);
    at = ticks();
  }
};

/// One thread's conversations. `Conversation` has `int fd`, `void ask()` and
/// `bool receive(std::vector<char>&)`, which takes what has come, checks it and tells whether the
/// answer is complete; with `reconnects`, each question has a descriptor of its own.
template <class Conversation>
class driver {
 public:
  driver(std::vector<Conversation>& conversations, const load_options& chosen, window& when)
      : conversations_(conversations), chosen_(chosen), when_(when) {}

  tally run() {
    queue_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (queue_ < 0) fail("epoll_create1");
    for (Conversation& each : conversations_) {
      if (chosen_.spin) ::fcntl(each.fd, F_SETFL, O_NONBLOCK);
      if (!Conversation::reconnects) watch(each);
      ask(each);
    }
    when_.asked.count_down();
    when_.open.wait();
    // Of one socket that does not block, recv asks more cheaply than epoll.
    const bool single = chosen_.spin && conversations_.size() == 1;
    epoll_event events[256];
    while (true) {
      if (single) {
        take(conversations_.front());
      } else {
        const int ready = ::epoll_wait(queue_, events, 256, chosen_.spin ? 0 : 5000);
        if (ready == 0 && !chosen_.spin) fail("an answer", ETIMEDOUT);
        for (int i = 0; i < ready; ++i) take(*static_cast<Conversation*>(events[i].data.ptr));
      }
      const auto now = clock_type::now();
      if (!counting_ && now >= when_.begin) {
        counting_ = true;
        counted_ = {};
        began_ = now;
      }
      if (now >= when_.end) {
        ::close(queue_);
        counted_.seconds = std::chrono::duration<double>(now - began_).count();
        return std::move(counted_);
      }
    }
  }

 private:
  void watch(Conversation& each) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &each;
    if (::epoll_ctl(queue_, EPOLL_CTL_ADD, each.fd, &event) != 0) fail("epoll_ctl");
  }

  void ask(Conversation& each) {
    if (chosen_.latency) each.asked = clock_type::now();
    each.ask();
    if (Conversation::reconnects) watch(each);
  }

  void take(Conversation& each) {
    if (!each.receive(buffer_)) return;
    ++counted_.answers;
    if (chosen_.latency && counting_) {
      const std::chrono::duration<float, std::micro> took = clock_type::now() - each.asked;
      counted_.microseconds.push_back(took.count());
    }
    ask(each);
  }

  std::vector<Conversation>& conversations_;
  const load_options& chosen_;
  window& when_;
  int queue_ = -1;
  bool counting_ = false;
  clock_type::time_point began_;
  tally counted_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
};

/// Prints what was used from one moment to the next for each of `messages`.
inline void print_use(const load_options& chosen, const call_meter* meter, const server_use& from,
                      const server_use& to, double messages) {
  const double seconds = std::chrono::duration<double>(to.when - from.when).count();
  if (chosen.server != 0)
    std::printf("cpu_ns %.1f\nbusy %.4f\n", 1e9 * (to.processor - from.processor) / messages,
                (to.processor - from.processor) / seconds);
  if (meter == nullptr) return;
  const auto all = static_cast<double>(to.at - from.at);
  double calls = 0;
  for (std::size_t i = 0; i < call_kinds; ++i) {
    const auto of_kind = static_cast<double>(to.calls[i] - from.calls[i]);
    std::printf("%s_calls %.4f\n", call_names[i], of_kind / messages);
    calls += of_kind;
  }
  const double outside = all - static_cast<double>(to.inside - from.inside) -
                         calls * static_cast<double>(meter->overhead) / 1024;
  std::printf("calls %.4f\nuser_ns %.1f\n", calls / messages,
              1e9 * outside / all * seconds / messages);
}

inline void print_latency(std::vector<float> all) {
  if (all.empty()) return;
  std::sort(all.begin(), all.end());
  const auto at = [&](double share) {
    return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
  };
  std::printf("p50_us %.2f\np99_us %.2f\np999_us %.2f\n", at(0.5), at(0.99), at(0.999));
}

/// Loads the server and prints the figures. An answer counts as `weight` messages.
template <class Conversation>
void run_load(const load_options& chosen, std::vector<Conversation> all, double weight = 1) {
  if (all.empty()) return;
  std::vector<std::vector<Conversation>> shares(
      std::min(all.size(), std::max<std::size_t>(chosen.cpus.size(), 1)));
  for (std::size_t i = 0; i < all.size(); ++i)
    shares[i % shares.size()].push_back(std::move(all[i]));
  const call_meter* meter = chosen.meter.empty() ? nullptr : map_call_meter(chosen.meter.c_str());
  if (!chosen.meter.empty() && meter == nullptr) fail(chosen.meter.c_str());

  const auto length = [](double seconds) {
    return std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>(seconds));
  };
  window when(shares.size());
  std::vector<tally> tallies(shares.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < shares.size(); ++i)
    threads.emplace_back([&, i] {
      if (!chosen.cpus.empty()) pin(chosen.cpus[i]);
      tallies[i] = driver<Conversation>(shares[i], chosen, when).run();
    });
  when.asked.wait();
  when.begin = clock_type::now() + length(chosen.warm_up);
  when.end = when.begin + length(chosen.seconds);
  when.open.count_down();
  std::this_thread::sleep_until(when.begin);
  const server_use before(chosen, meter);
  std::this_thread::sleep_until(when.end);
  const server_use after(chosen, meter);

  double messages = 0, rate = 0;
  std::vector<float> microseconds;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    threads[i].join();
    messages += weight * static_cast<double>(tallies[i].answers);
    if (tallies[i].answers > 0)  // on a machine that is busy a thread may have none
      rate += weight * static_cast<double>(tallies[i].answers) / tallies[i].seconds;
    microseconds.insert(microseconds.end(), tallies[i].microseconds.begin(),
                        tallies[i].microseconds.end());
  }
  if (messages == 0) fail("an answer within the time", ETIMEDOUT);
  std::printf("messages %.0f\nper_second %.1f\n", messages, rate);
  print_use(chosen, meter, before, after, messages);
  print_latency(std::move(microseconds));
  if (chosen.rest > 0 && chosen.server != 0) {
    const double processor = processor_seconds(chosen.server);
    std::this_thread::sleep_for(length(chosen.rest));
    std::printf("busy_at_rest %.4f\n",
                (processor_seconds(chosen.server) - processor) / chosen.rest);
  }
}

}  // namespace bench

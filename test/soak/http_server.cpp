// SPDX-License-Identifier: BSL-1.0
// The http_server of examples/ with a crowd of timers in each loop: they come due, are put off and
// are cancelled all the time. It counts what it has allocated: at SIGUSR1, and at its end, it says
// what is left of that, and what became of the timers.
#define main static unused_main [[maybe_unused]]
#include "../../examples/http_server.cpp"
#undef main

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <random>

namespace {

std::atomic<long> allocated = 0;  // and not freed yet

void* allocate(std::size_t size, std::size_t alignment) {
  // aligned_alloc wants a multiple of the alignment.
  void* const memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  allocated.fetch_add(1, std::memory_order_relaxed);
  return memory;
}
void release(void* memory) noexcept {
  if (memory == nullptr) return;
  allocated.fetch_sub(1, std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

namespace {

using namespace std::chrono_literals;
using served = http<asyncore::observed<asyncore::default_poller, asyncore::loop_statistics>>;

std::atomic<bool> asked = false;  // by SIGUSR1

/// So many timers of one loop, all of them always pending.
class timer_crowd {
 public:
  timer_crowd(served::server_loop& loop, std::size_t count, unsigned seed)
      : loop_(loop), random_(seed), all_(count) {
    for (entry& each : all_) add(each);
    loop_.call_every(10ms, [this] { meddle(); }).unref();
  }

  std::uint64_t called = 0;
  std::uint64_t put_off = 0;
  std::uint64_t wrong = 0;  // called early, or not for a long time

 private:
  struct entry {
    asyncore::timer<served::server_loop> timer;
    std::chrono::nanoseconds when{};
  };

  /// Half of them within a second, the others within twenty.
  std::chrono::nanoseconds delay() {
    const std::uint64_t r = random_();
    return std::chrono::nanoseconds(r / 2 % (r % 2 == 0 ? 1'000'000'000 : 20'000'000'000));
  }

  void add(entry& each) {
    each.when = loop_.now() + delay();
    each.timer = loop_.call_at(each.when, [this, &each] {
      ++called;
      wrong += each.when > loop_.now();
      add(each);
    });
    each.timer.unref();
  }

  void meddle() {
    for (int left = 1000; left > 0 && !all_.empty(); --left) {
      entry& each = all_[random_() % all_.size()];
      put_off += each.timer.cancel();
      add(each);
    }
    for (int left = 5000; left > 0 && !all_.empty(); --left) {
      const entry& each = all_[looked_at_++ % all_.size()];
      wrong += !each.timer.pending() || each.when + 10s < loop_.now();
    }
    if (asked.exchange(false)) {
      std::printf("allocated: %ld\n", allocated.load());
      std::fflush(stdout);
    }
  }

  served::server_loop& loop_;
  std::mt19937_64 random_;
  std::vector<entry> all_;
  std::size_t looked_at_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  std::size_t threads = 1, timers = 0;
  const server_options options(argc, argv, "http_server with timers.", [&](CLI::App& app) {
    add_threads(app, threads);
    add_limits(app);
    app.add_option("--timers", timers, "So many timers in each loop");
  });
  ::signal(SIGUSR1, [](int) { asked = true; });
  observed_loops.reserve(threads);
  std::vector<std::unique_ptr<timer_crowd>> crowds;
  crowds.reserve(threads);
  const long before = allocated;
  ::serve<served::server, served::signals>(options.where(), threads, [&](auto& loop) {
    observed_loops.push_back(&loop.observer());
    crowds.push_back(
        std::make_unique<timer_crowd>(loop, timers, static_cast<unsigned>(crowds.size())));
  });
  std::uint64_t called = 0, put_off = 0, wrong = 0;
  for (const auto& each : crowds) {
    called += each->called;
    put_off += each->put_off;
    wrong += each->wrong;
  }
  crowds.clear();
  std::printf("leaked: %ld\n", allocated - before);
  std::printf("timers: %llu called, %llu put off, %llu wrong\n",
              static_cast<unsigned long long>(called), static_cast<unsigned long long>(put_off),
              static_cast<unsigned long long>(wrong));
} catch (const std::exception& e) {
  std::fprintf(stderr, "http_server: %s\n", e.what());
  return 1;
}

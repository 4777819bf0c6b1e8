// SPDX-License-Identifier: BSL-1.0
// Plays seeds with a bug until one fails: hunt BUG SEEDS. Says which, and what was wrong; a crash
// and a hang are failures, too.
#include "../workload.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace {

volatile unsigned long long current = 0;

void died(int number) {
  char text[80];
  const int size = std::snprintf(text, sizeof text, "seed %llu: signal %d\n", current, number);
  [[maybe_unused]] const auto n = ::write(STDOUT_FILENO, text, static_cast<std::size_t>(size));
  ::_exit(1);
}

bool choose(std::string_view name) {
  for (const char* const each : planted::names) {
    if (name == each) return true;
    ++planted::which;
  }
  return false;
}

}  // namespace

int main(int, char** argv) {
  constexpr unsigned patience = 20;  // seconds that one seed may take
  if (!choose(argv[1])) return 0;
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGALRM}) ::signal(number, died);
  using place = test::place<asyncore::sim_epoll_poller, test::dense, true>;
  const unsigned long long seeds = std::strtoull(argv[2], nullptr, 10);
  for (unsigned long long seed = 1; seed <= seeds; ++seed) {
    current = seed;
    ::alarm(patience);
    const auto result = test::sim::run_seed<place>(seed, nullptr);
    if (result.objections.empty()) continue;
    std::printf("seed %llu: %s\n", seed, result.objections.front().c_str());
    return 1;
  }
}

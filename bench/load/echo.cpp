// SPDX-License-Identifier: BSL-1.0
// The load of an echo server: each connection has one message out, checks every byte that comes
// back, and sends the next.
#include "support/load.hpp"

namespace {

/// A message is a row of counters, so that no two in a row are alike and a lost, doubled or
/// swapped one is seen.
struct conversation {
  static constexpr bool reconnects = false;

  conversation(const bench::load_options& chosen, std::size_t size, std::uint32_t whose)
      : fd(chosen.address.connect()), who(whose), message(size, ' ') {}

  void ask() {
    ++number;
    for (std::size_t i = 0; i + 4 <= message.size(); i += 4) {
      const std::uint32_t word = who * 2654435761u + number + static_cast<std::uint32_t>(i);
      std::memcpy(message.data() + i, &word, 4);
    }
    bench::send_all(fd, message.data(), message.size());
    left = message;
  }

  bool receive(std::vector<char>& buffer) {
    return bench::receive_expected(fd, left, buffer);
  }

  int fd;
  std::uint32_t who;
  std::uint32_t number = 0;
  std::string_view left;  // of the answer
  std::string message;
  bench::clock_type::time_point asked;
};

/// Opens connections and exchanges a message on each, so that the server is known to have accepted
/// it.
std::vector<conversation> open_all(const bench::load_options& chosen, std::size_t size, int count,
                                   std::uint32_t first) {
  std::vector<conversation> all;
  std::vector<char> buffer(size);
  for (int i = 0; i < count; ++i) {
    all.emplace_back(chosen, size, first + static_cast<std::uint32_t>(i));
    all.back().ask();
    for (int pieces = 0; !all.back().receive(buffer); ++pieces)
      if (pieces == 8) bench::fail("the first echo", ETIMEDOUT);
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  bench::load_options chosen;
  int idle = 0;
  std::size_t size = 64;
  bool hold = false;
  CLI::App app("Loads an echo server over TCP and prints the messages per second.");
  chosen.add_to(app);
  app.add_option("--idle", idle, "more connections, silent after their first message")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--size", size, "bytes in a message")
      ->capture_default_str()
      ->check(CLI::Range(4, 16384));
  app.add_flag("--hold", hold,
               "then print 'holding' and keep the connections until the input ends");
  bench::parse(app, argc, argv);
  bench::allow_descriptors(static_cast<unsigned long>(chosen.connections + idle + 32));

  const auto silent = open_all(chosen, size, idle, 1u << 24);
  bench::run_load(chosen, open_all(chosen, size, chosen.connections, 0));
  if (hold) {
    std::printf("holding\n");
    std::fflush(stdout);
    while (std::getchar() != EOF) continue;
  }
}

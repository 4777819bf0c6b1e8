// SPDX-License-Identifier: BSL-1.0
// The load of an echo server whose clients come and go: connect, one message, close.
#include "support/load.hpp"

namespace {

struct conversation {
  static constexpr bool reconnects = true;

  conversation(const bench::load_options& options, std::uint32_t whose)
      : chosen(&options), who(whose) {}

  void ask() {
    if (fd >= 0) ::close(fd);
    fd = chosen->address.connect(false, 37 * who + number++);
    std::memset(message, static_cast<int>(who + number), sizeof message);
    bench::send_all(fd, message, sizeof message);
    left = {message, sizeof message};
  }

  bool receive(std::vector<char>& buffer) {
    return bench::receive_expected(fd, left, buffer);
  }

  const bench::load_options* chosen;
  std::uint32_t who;
  int fd = -1;
  std::uint32_t number = 0;
  std::string_view left;  // of the answer
  char message[64];
  bench::clock_type::time_point asked;
};

}  // namespace

int main(int argc, char** argv) {
  bench::load_options chosen;
  CLI::App app("Connects to an echo server again and again: prints the connections per second.");
  chosen.add_to(app);
  bench::parse(app, argc, argv);

  std::vector<conversation> all;
  for (int i = 0; i < chosen.connections; ++i)
    all.emplace_back(chosen, static_cast<std::uint32_t>(i));
  bench::run_load(chosen, std::move(all));
}

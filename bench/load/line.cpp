// SPDX-License-Identifier: BSL-1.0
// The load of a line server: each connection sends some lines in one segment, checks that all come
// back, and sends the next ones.
#include "support/load.hpp"

namespace {

struct conversation {
  static constexpr bool reconnects = false;

  conversation(const bench::load_options& chosen, int lines, int whose)
      : fd(chosen.address.connect()), who(whose), count(lines) {}

  void ask() {
    text.clear();
    for (int i = 0; i < count; ++i) {
      char line[32];
      const int length = std::snprintf(line, sizeof line, "get %04d %05d\r\n", who % 10000,
                                       static_cast<int>(number++ % 100000));
      text.append(line, static_cast<std::size_t>(length));
    }
    bench::send_all(fd, text.data(), text.size());
    left = text;
  }

  bool receive(std::vector<char>& buffer) {
    return bench::receive_expected(fd, left, buffer);
  }

  int fd;
  int who;
  int count;
  std::uint32_t number = 0;
  std::string_view left;  // of the answer
  std::string text;
  bench::clock_type::time_point asked;
};

}  // namespace

int main(int argc, char** argv) {
  bench::load_options chosen;
  int lines = 16;
  CLI::App app("Sends lines to a line server and prints the answers per second.");
  chosen.add_to(app);
  app.add_option("--lines", lines, "lines in a segment")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  bench::parse(app, argc, argv);

  std::vector<conversation> all;
  for (int i = 0; i < chosen.connections; ++i) all.emplace_back(chosen, lines, i);
  bench::run_load(chosen, std::move(all), lines);
}

// SPDX-License-Identifier: BSL-1.0
// The load of a flow server: each connection asks for a number of bytes, checks them, and asks
// again.
#include "support/flow.hpp"
#include "support/load.hpp"

namespace {

struct conversation {
  static constexpr bool reconnects = false;

  conversation(const bench::load_options& chosen, std::uint32_t size, std::uint32_t number)
      : fd(chosen.address.connect()), request{size, number} {}

  void ask() {
    request.id += 17;
    bench::send_all(fd, &request, sizeof request);
    left = bench::flow_answer(request);
  }

  bool receive(std::vector<char>& buffer) {
    return bench::receive_expected(fd, left, buffer);
  }

  int fd;
  bench::flow_request request;
  std::string_view left;
  bench::clock_type::time_point asked;
};

}  // namespace

int main(int argc, char** argv) {
  bench::load_options chosen;
  std::uint32_t size = 64;
  CLI::App app("Asks a flow server for bytes and prints the answers per second.");
  chosen.add_to(app);
  app.add_option("--size", size, "bytes in an answer")
      ->capture_default_str()
      ->check(CLI::Range(1u, bench::flow_request::largest));
  bench::parse(app, argc, argv);

  std::vector<conversation> all;
  for (int i = 0; i < chosen.connections; ++i)
    all.emplace_back(chosen, size, static_cast<std::uint32_t>(i));
  bench::run_load(chosen, std::move(all));
}

// SPDX-License-Identifier: BSL-1.0
// The echo server, as it is, against a thousand bad networks. Names the first on which a client does
// not get back what it sent: simulated_test [SEED], which then prints what happened.
#include <asyncore/sim.hpp>

#include <cstdlib>

#include SERVER  // "echo_server.hpp"

namespace {

using server = echo<asyncore::sim_epoll_poller>;

/// A client that sends much, ends its stream, and takes its time to read. What went wrong, or "".
std::string failure(std::uint64_t seed, std::FILE* trace) {
  asyncore::sim_kernel kernel(seed, {.buffer = 1000});
  kernel.trace().print_to(trace);
  const auto where = asyncore::endpoint::parse("127.0.0.1:7");
  const std::string message = asyncore::keyed_stream(seed).bytes(0, 5000);
  asyncore::sim_peer client(kernel);
  {
    server::server_loop loop(kernel);
    loop.emplace<server::server>(where);
    kernel.faults().choose_harmless(kernel.random());

    client.connect(where);
    client.send(message);
    client.shutdown();
    client.pause();
    kernel.after(std::chrono::milliseconds(50), [&] { client.resume(); });
    for (int turns = 0; turns < 100000 && !client.ended(); ++turns)
      loop.poll(std::chrono::milliseconds(10));
    loop.close_all();
  }
  if (client.received() != message) return "the client did not get back what it sent";
  kernel.expect_all_closed();
  return kernel.violations().empty() ? "" : kernel.violations().texts().front();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) return failure(std::strtoull(argv[1], nullptr, 10), stdout).empty() ? 0 : 1;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed)
    if (const std::string what = failure(seed, nullptr); !what.empty()) {
      std::printf("seed %d: %s\n", static_cast<int>(seed), what.c_str());
      return 1;
    }
}

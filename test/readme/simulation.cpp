// SPDX-License-Identifier: BSL-1.0
// A server on the simulated kernel.
#undef NDEBUG
#include <asyncore.hpp>
#include <asyncore/sim.hpp>

#include <cassert>

namespace {

using sim_loop = asyncore::basic_loop<asyncore::sim_epoll_poller, asyncore::fd_table<>>;

struct my_connection : asyncore::dispatcher_with_send<my_connection, sim_loop> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte>) {
    send("HTTP/1.0 204 No Content\r\n\r\n");
    close_when_done();
  }
};

struct my_server : asyncore::dispatcher<my_server, sim_loop> {
  my_server(sim_loop& loop, const asyncore::endpoint& where) : dispatcher(loop) {
    create_socket(where.family());
    bind(where);
    listen(10);
  }
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    loop().emplace<my_connection>(std::move(peer));
  }
};

void play(std::uint64_t seed) {
#include "block.hpp"
}

}  // namespace

int main() {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) play(seed);
}

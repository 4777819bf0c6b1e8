// SPDX-License-Identifier: BSL-1.0
// An echo server with a loop in each of several threads; hand.cpp is its twin.
#include <asyncore.hpp>
#include <asyncore/loop_group.hpp>

#include "support/group_server.hpp"

namespace {

struct connection;
struct listener;
using server_loop =
    asyncore::basic_loop<asyncore::epoll_poller, asyncore::fd_table<connection, listener>>;
using server_group = asyncore::loop_group<server_loop>;

struct serving {
  server_group* group;
  std::vector<bench::accepted_count>* counts;
  asyncore::sharing how;
};

struct connection : asyncore::dispatcher_with_send<connection, server_loop> {
  connection(server_loop& loop, asyncore::socket peer, const serving* all)
      : dispatcher_with_send(loop, std::move(peer)) {
    for (std::size_t i = 0; i < all->counts->size(); ++i)
      if (&(*all->group)[i] == &loop) ++(*all->counts)[i].connections;
  }
  void handle_data(std::span<const std::byte> data) { send(data); }
};

struct listener : asyncore::dispatcher<listener, server_loop> {
  listener(server_loop& loop, const serving* of) : dispatcher(loop), all(of) {}
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    if (all->how == asyncore::sharing::least_loaded) {
      all->group->hand_out<connection>(std::move(peer), all);
    } else {
      loop().emplace<connection>(std::move(peer), all);
    }
  }
  const serving* all;
};

asyncore::sharing way(std::string_view name) {
  if (name == "least-loaded") return asyncore::sharing::least_loaded;
  return name == "exclusive" ? asyncore::sharing::exclusive : asyncore::sharing::reuse_port;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::group_options options(argc, argv, {"reuse-port", "least-loaded", "exclusive"});
  server_group group({.threads = options.threads(), .pinned = true});
  std::vector<bench::accepted_count> counts(group.size());
  const serving all{&group, &counts, way(options.share())};
  const auto where = group.listen<listener>(
      asyncore::endpoint::ip(options.host(), options.port()), all.how, &all);
  std::printf("listening on %s\n", where.to_string().c_str());
  std::fflush(stdout);
  group.start();
  options.wait();
  group.stop();
  group.join();
  bench::print_imbalance(counts);
}

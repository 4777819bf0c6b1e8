// SPDX-License-Identifier: BSL-1.0
// What dispatching one event costs: a ring of pipes in which each readable pipe passes one byte on
// to the next. dispatch_cost_hand.cpp is the same work without the library.
#include <asyncore.hpp>
#include <type_traits>

#include "support/ring.hpp"

namespace {

template <class Poller, bool Closed>
struct station;

template <class Poller, bool Closed>
using loop_of = asyncore::basic_loop<
    Poller, std::conditional_t<Closed, asyncore::fd_table<station<Poller, Closed>>,
                               asyncore::fd_table<>>>;

template <class Poller, bool Closed>
struct station : asyncore::file_dispatcher<station<Poller, Closed>, loop_of<Poller, Closed>> {
  using base = asyncore::file_dispatcher<station, loop_of<Poller, Closed>>;

  station(loop_of<Poller, Closed>& loop, bench::link link, long& left)
      : base(loop, link.from), to_(link.to), left_(left) {}

  void handle_read() {
    bench::hop(this->native_handle(), to_);
    if (--left_ == 0) this->loop().stop();
  }

 private:
  int to_;
  long& left_;
};

template <class Poller, bool Closed>
void run(const bench::ring& ring) {
  loop_of<Poller, Closed> loop;
  long left = ring.hops();
  for (const bench::link& link : ring.links())
    loop.template emplace<station<Poller, Closed>>(link, left);
  loop.run();
}

}  // namespace

int main(int argc, char** argv) {
  bench::ring ring("Bytes around a ring of pipes, by asyncore.");
  std::string poller = "best";
  std::string set = "closed";
  ring.options().add_option("--poller", poller, "select, poll, epoll or best")
      ->capture_default_str();
  ring.options().add_option("--set", set, "channel types: a closed list or any")
      ->capture_default_str()
      ->check(CLI::IsMember({"closed", "open"}));
  ring.open(argc, argv);

  try {
    asyncore::with_poller(poller, [&](auto chosen) {
      using poller_type = typename decltype(chosen)::type;
      if (set == "closed")
        run<poller_type, true>(ring);
      else
        run<poller_type, false>(ring);
    });
  } catch (const std::invalid_argument& mistake) {
    std::fprintf(stderr, "%s\n", mistake.what());
    return 2;
  }
  ring.report();
}

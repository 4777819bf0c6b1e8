// SPDX-License-Identifier: BSL-1.0
// What dispatching one event costs: a ring of pipes in which each readable pipe passes one byte on
// to the next. hand.cpp is the same work without the library.
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
struct station : asyncore::channel<station<Poller, Closed>, loop_of<Poller, Closed>> {
  using base = asyncore::channel<station, loop_of<Poller, Closed>>;

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
  loop.run({.timeout = {}});  // as the others wait
}

}  // namespace

int main(int argc, char** argv) {
  bench::ring ring("Bytes around a ring of pipes, by asyncore.");
  std::string set = "closed";
  ring.choose_poller({"epoll", "poll", "select"});
  ring.options().add_option("--set", set, "channel types: a closed list or any")
      ->capture_default_str()
      ->check(CLI::IsMember({"closed", "open"}));
  ring.open(argc, argv);

  asyncore::with_poller(ring.poller(), [&](auto chosen) {
    using poller_type = typename decltype(chosen)::type;
    if (set == "closed")
      run<poller_type, true>(ring);
    else
      run<poller_type, false>(ring);
  });
  ring.report();
}

// SPDX-License-Identifier: BSL-1.0
// What an event costs in a loop with a closed list of two channel types: a ring of pipes in which
// every other member counts the bytes. baseline.cpp is the same work without the library.
#include <asyncore.hpp>

#include "support/ring.hpp"

namespace {

struct relay;
struct meter;
using loop_type = asyncore::basic_loop<asyncore::epoll_poller, asyncore::fd_table<relay, meter>>;

template <class Derived>
struct member : asyncore::file_dispatcher<Derived, loop_type> {
  member(loop_type& loop, bench::link link, long& left)
      : member::file_dispatcher(loop, asyncore::unique_fd(link.from)), to_(link.to), left_(left) {}

 protected:
  void pass_on(std::span<const std::byte> data) {
    bench::pass_on(data, to_);
    if (--left_ == 0) this->loop().stop();
  }

 private:
  int to_;
  long& left_;
};

struct relay : member<relay> {
  using member::member;
  void handle_data(std::span<const std::byte> data) { pass_on(data); }
};

struct meter : member<meter> {
  using member::member;
  void handle_data(std::span<const std::byte> data) {
    passed_ += data.size();
    pass_on(data);
  }

 private:
  std::size_t passed_ = 0;
};

void fill(loop_type& loop, const std::vector<bench::link>& links, long& left) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (i % 2 == 0)
      loop.emplace<relay>(links[i], left);
    else
      loop.emplace<meter>(links[i], left);
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::ring ring("Bytes around a ring of pipes with two types of members, by asyncore.");
  ring.choose_turns();
  ring.keep_apart();
  ring.open(argc, argv);

  loop_type loop;
  long left = ring.hops();
  fill(loop, ring.links(), left);
  if (ring.once()) {
    while (left > 0) loop.poll(std::chrono::seconds(5));
  } else {
    loop.run({.timeout = {}});  // as the others wait
  }
  ring.report();
}

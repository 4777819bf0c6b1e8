// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on standalone Asio, told that there is one thread.
#include <asio.hpp>

#include "support/ring.hpp"

namespace {

class station {
 public:
  station(asio::io_context& context, bench::link link, long& left)
      : context_(context), from_(context, link.from), to_(link.to), left_(left) {
    read();
  }

 private:
  // Reading by Asio itself costs it less than waiting for readiness and reading by hand.
  void read() {
    from_.async_read_some(asio::buffer(&byte_, 1), [this](asio::error_code error, std::size_t) {
      if (error) bench::fail("read from a pipe of the ring", error.value());
      if (::write(to_, &byte_, 1) != 1) bench::fail("write to a pipe of the ring");
      if (--left_ == 0) return context_.stop();
      read();
    });
  }

  asio::io_context& context_;
  asio::posix::stream_descriptor from_;
  int to_;
  char byte_ = 0;
  long& left_;
};

}  // namespace

int main(int argc, char** argv) {
  bench::ring ring("Bytes around a ring of pipes, by standalone Asio.");
  ring.open(argc, argv);
  long left = ring.hops();

  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  std::vector<std::unique_ptr<station>> stations;
  for (const bench::link& link : ring.links())
    stations.push_back(std::make_unique<station>(context, link, left));
  context.run();
  ring.report();
}

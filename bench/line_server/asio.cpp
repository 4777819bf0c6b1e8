// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on standalone Asio, as its line-based tutorials write it. With
// BENCH_GATHERED, the answers to what one read has brought leave together.
#include "support/asio_server.hpp"

#include <string>

namespace {

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(bench::tcp::socket socket) : socket_(std::move(socket)) {
    socket_.set_option(bench::tcp::no_delay(true));
  }

  void read() {
    asio::async_read_until(
        socket_, asio::dynamic_buffer(input_), "\r\n",
        [self = shared_from_this()](asio::error_code error, std::size_t length) {
          if (!error) self->answer(length);
        });
  }

 private:
  void answer(std::size_t length) {
#ifdef BENCH_GATHERED
    length = input_.rfind('\n') + 1;
#endif
    asio::async_write(socket_, asio::buffer(input_, length),
                      [self = shared_from_this(), length](asio::error_code error, std::size_t) {
                        if (error) return;
                        self->input_.erase(0, length);
                        self->read();
                      });
  }

  bench::tcp::socket socket_;
  std::string input_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run_server<session>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on standalone Asio: its own echo example.
#include "support/asio_server.hpp"

namespace {

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(bench::tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(data_),
                            [self = shared_from_this()](asio::error_code error, std::size_t got) {
                              if (!error) self->write(got);
                            });
  }

 private:
  void write(std::size_t count) {
    asio::async_write(socket_, asio::buffer(data_, count),
                      [self = shared_from_this()](asio::error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  bench::tcp::socket socket_;
  char data_[1024];
};

}  // namespace

int main(int argc, char** argv) { return bench::run_server<session>(argc, argv); }

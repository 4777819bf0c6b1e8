// SPDX-License-Identifier: BSL-1.0
// The twin of echo_server_asyncore.cpp on standalone Asio: its own echo example, told that there
// is one thread.
#include <asio.hpp>

#include "support/echo_server.hpp"

namespace {

using asio::ip::tcp;

std::uint64_t messages;

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(data_),
                            [self = shared_from_this()](asio::error_code error, std::size_t got) {
                              if (error) return;
                              ++messages;
                              self->write(got);
                            });
  }

 private:
  void write(std::size_t count) {
    asio::async_write(socket_, asio::buffer(data_, count),
                      [self = shared_from_this()](asio::error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  char data_[1024];
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](asio::error_code error, tcp::socket socket) {
    if (!error)
      std::make_shared<session>(std::move(socket))->read();
    else if (error != asio::error::connection_aborted)
      bench::fail("accept", error.value());
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  bench::echo_server_options options("Echoes over TCP, by standalone Asio.");
  options.parse(argc, argv);
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);

  tcp::acceptor acceptor(context, {asio::ip::make_address(options.host()), options.port()});
  acceptor.listen(1024);
  accept(acceptor);
  asio::signal_set leaving(context, SIGTERM);
  leaving.async_wait([&context](asio::error_code, int) { context.stop(); });
  bench::announce(acceptor.native_handle());

  context.run();
  bench::report(messages);
}

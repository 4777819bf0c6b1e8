// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on standalone Asio, where nothing is read unless it is asked for.
#include "support/asio_server.hpp"
#include "support/flow.hpp"

namespace {

class session;
// Never destroyed: at the end its sessions may not outlive their context.
auto& work = *new bench::work_queue<std::shared_ptr<session>>;

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(bench::tcp::socket socket) : socket_(std::move(socket)) {
    bench::narrow(socket_.native_handle());
  }

  void read() {
    asio::async_read(socket_, asio::buffer(&request_, sizeof request_),
                     [self = shared_from_this()](asio::error_code error, std::size_t) {
                       if (!error) work.put(self, self->request_);
                     });
  }

  void answer(std::string_view bytes) {
    asio::async_write(socket_, asio::buffer(bytes),
                      [self = shared_from_this()](asio::error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

 private:
  bench::tcp::socket socket_;
  bench::flow_request request_;
};

void wait_for_work(asio::posix::stream_descriptor& worker) {
  worker.async_wait(asio::posix::stream_descriptor::wait_read, [&worker](asio::error_code error) {
    if (error) return;
    work.work([](const auto& who, std::string_view bytes) { who->answer(bytes); });
    wait_for_work(worker);
  });
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_server<session>(argc, argv, [](asio::io_context& context) {
    wait_for_work(*new asio::posix::stream_descriptor(context, work.descriptor()));
  });
}

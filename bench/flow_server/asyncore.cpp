// SPDX-License-Identifier: BSL-1.0
// Stops reading from a connection until its request is answered: what a user of asyncore writes.
#include "support/asyncore_server.hpp"
#include "support/flow.hpp"

namespace {

struct connection;
struct worker;
using loop_of_connections = bench::server_loop<connection, worker>;

bench::work_queue<connection*> work;

struct connection : asyncore::dispatcher<connection, loop_of_connections> {
  connection(loop_type& loop, asyncore::socket peer) : dispatcher(loop, std::move(peer)) {
    bench::narrow(native_handle());
  }
  ~connection() { work.forget(this); }

  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return !busy; }
  bool writable() const { return !rest.empty(); }

  void handle_data(std::span<const std::byte> data) {
    work.put(this, bench::to_request(data.data(), data.size()));
    busy = true;
  }
  void answer(std::string_view bytes) {
    rest = bytes;
    handle_write();
    rearm();
  }
  void handle_write() {
    rest.remove_prefix(send(rest).bytes());
    busy = !rest.empty();
  }

  bool busy = false;
  std::string_view rest;  // of the answer
};

struct worker : asyncore::channel<worker, loop_of_connections> {
  using channel::channel;
  void handle_read() {
    work.work([](connection* who, std::string_view bytes) { who->answer(bytes); });
  }
};

}  // namespace

int main(int argc, char** argv) {
  return bench::run_server<connection>(
      argc, argv, [](auto& loop) { loop.template emplace<worker>(work.descriptor()); });
}

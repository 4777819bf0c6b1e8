// SPDX-License-Identifier: BSL-1.0
// Answers each line with the same line: what a user of async_chat writes.
#include "support/asyncore_server.hpp"

#include <string>

namespace {

struct connection : asyncore::async_chat<connection, bench::server_loop<connection>> {
  connection(loop_type& loop, asyncore::socket peer) : async_chat(loop, std::move(peer)) {
    bench::send_at_once(native_handle());
    set_terminator("\r\n");
  }

  void collect_incoming_data(std::span<const std::byte> data) { line += asyncore::as_text(data); }
  void found_terminator() {
    push(line += "\r\n");
    line.clear();
  }

  std::string line;
};

}  // namespace

int main(int argc, char** argv) { return bench::run_server<connection>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
// The echo server that a user of asyncore writes; hand.cpp is its twin.
#include "support/asyncore_server.hpp"

namespace {

struct connection : asyncore::dispatcher_with_send<connection, bench::server_loop<connection>> {
  using dispatcher_with_send::dispatcher_with_send;

  void handle_data(std::span<const std::byte> data) { send(data); }
};

}  // namespace

int main(int argc, char** argv) { return bench::run_server<connection>(argc, argv); }

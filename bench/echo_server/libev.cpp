// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libev.
#include "support/libev_server.hpp"
#include "support/raw_protocol.hpp"

int main(int argc, char** argv) {
  return bench::run_server<bench::libev_connection<bench::echo_protocol>>(argc, argv);
}

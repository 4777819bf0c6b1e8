// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libev, which leaves splitting and sending to its user.
#include "support/libev_server.hpp"
#include "support/raw_protocol.hpp"

int main(int argc, char** argv) {
  return bench::run_server<bench::libev_connection<bench::line_protocol, true>>(argc, argv);
}

// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp without any library, which gathers its answers.
#include "support/hand_server.hpp"
#include "support/raw_protocol.hpp"

int main(int argc, char** argv) {
  using connection = bench::hand_connection<bench::gathering_line_protocol, true>;
  return bench::run_server<connection>(argc, argv);
}

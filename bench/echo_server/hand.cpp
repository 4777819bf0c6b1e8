// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp without any library.
#include "support/hand_server.hpp"
#include "support/raw_protocol.hpp"

int main(int argc, char** argv) {
  return bench::run_server<bench::hand_connection<bench::echo_protocol>>(argc, argv);
}

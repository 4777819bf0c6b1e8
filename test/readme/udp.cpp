// SPDX-License-Identifier: BSL-1.0
// Datagrams come back, an empty one, too.
#include <asyncore.hpp>

#include "block.hpp"

#include <string>

namespace {

struct client : asyncore::dispatcher<client> {
  explicit client(const asyncore::endpoint& to) {
    create_socket(to.family(), SOCK_DGRAM);
    connect(to);
    for (const char* each : {"one", "", "two"}) send(each).ok();
  }
  void handle_read() {
    std::byte buffer[100];
    if (const auto received = recv(buffer); received.ok())
      answers += std::string(asyncore::as_text({buffer, received.bytes()})) + ";";
    if (answers.size() >= 9) close();
  }
  std::string answers;
};

}  // namespace

int main() {
  udp_echo server(asyncore::endpoint::parse("127.0.0.1:0"));
  client asks(server.local_addr());
  for (int i = 0; i < 100 && asks.native_handle() >= 0; ++i) asyncore::poll(std::chrono::seconds(1));
  return asks.answers == "one;;two;" ? 0 : 1;
}

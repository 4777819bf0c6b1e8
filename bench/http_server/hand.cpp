// SPDX-License-Identifier: BSL-1.0
// The least that a server can do for a request: it receives, sends a page and reads nothing. What
// examples/http_server.cpp and nginx need beyond that is theirs, the rest is the kernel's.
#include "support/hand_server.hpp"

namespace {

struct page_protocol {
  template <class Connection>
  static bool answer(std::string_view, Connection& connection, int fd) {
    return connection.send(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13"
                               "\r\n\r\nhello, world\n");
  }
};

}  // namespace

int main(int argc, char** argv) {
  return bench::run_server<bench::hand_connection<page_protocol>>(argc, argv);
}

// SPDX-License-Identifier: BSL-1.0
// Fetches a page and prints it, head and all: http_client HOST:PORT PATH
#include <asyncore.hpp>

#include <iostream>
#include <string>

struct http_client : asyncore::dispatcher<http_client> {
  http_client(const std::string& host, const std::string& path)
      : buffer("GET " + path + " HTTP/1.0\r\nHost: " + host + "\r\n\r\n") {
    const auto where = asyncore::endpoint::parse(host);
    create_socket(where.family());
    connect(where);
  }

  void handle_close() { close(); }

  void handle_data(std::span<const std::byte> data) { std::cout << asyncore::as_text(data); }

  bool writable() const { return !buffer.empty(); }

  void handle_write() { buffer.erase(0, send(buffer).bytes()); }

  std::string buffer;
};

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "Fetches a page: http_client HOST:PORT PATH\n", 1;
  http_client client(argv[1], argv[2]);
  asyncore::loop();
}

// SPDX-License-Identifier: BSL-1.0
/// The parts of an http URL, and where its host is.
#pragma once

#include <netdb.h>

#include <asyncore.hpp>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// http://HOST[:PORT][/PATH][?QUERY], where HOST is a name, an IPv4 address or [an IPv6 address].
struct http_url {
  std::string host;       // without brackets
  std::string authority;  // as the Host field has it
  std::string target;     // path and query
  std::uint16_t port = 80;

  /// Throws `std::invalid_argument`, which says what is allowed.
  explicit http_url(std::string_view text) {
    // A space or a line end would let the URL write into the request.
    for (const char c : text) require(c > ' ' && c < '\x7f', "some of its characters need %XX");
    require(text.starts_with("http://"), "it does not begin with http://");
    text.remove_prefix(7);
    text = text.substr(0, text.find('#'));
    authority = text.substr(0, text.find_first_of("/?"));
    target = text.substr(authority.size());
    if (!target.starts_with('/')) target.insert(0, 1, '/');
    require(authority.find('@') == authority.npos, "it has a user");

    const bool bracketed = authority.starts_with('[');
    const std::size_t end = bracketed ? authority.find(']') : authority.find(':');
    require(!bracketed || end != std::string::npos, "it has no ]");
    host = authority.substr(bracketed, end - bracketed);
    require(!host.empty(), "it has no host");
    std::error_code not_ip;
    const int family = asyncore::endpoint::ip(host, 0, not_ip).family();
    require(!bracketed || family == AF_INET6, "what is in [] is not an IPv6 address");
    if (end < authority.size()) read_port(std::string_view(authority).substr(end + bracketed));
  }

  /// All addresses of the host, best first. Blocks while they are looked up. Throws
  /// `std::runtime_error`.
  std::vector<asyncore::endpoint> resolve() const {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    const int status =
        ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &first);
    if (status != 0) throw std::runtime_error("cannot find " + host + ": " + gai_strerror(status));
    std::vector<asyncore::endpoint> found;
    for (const addrinfo* each = first; each != nullptr; each = each->ai_next)
      found.emplace_back(each->ai_addr, each->ai_addrlen);
    ::freeaddrinfo(first);
    return found;
  }

 private:
  static void require(bool holds, const char* mistake) {
    if (!holds)
      throw std::invalid_argument(std::string("bad URL: ") + mistake +
                                  "; want http://HOST[:PORT][/PATH][?QUERY]");
  }

  void read_port(std::string_view text) {
    if (text.empty() || text == ":") return;  // RFC 3986, 3.2.3
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), port);
    require(text[0] == ':' && error == std::errc() && end == text.data() + text.size() && port > 0,
            "its port is not 1 to 65535");
  }
};

// SPDX-License-Identifier: BSL-1.0
/// The address of a socket, and its text.
#ifndef ASYNCORE_SYS_ENDPOINT_HPP
#define ASYNCORE_SYS_ENDPOINT_HPP

#include <asyncore/word/config.hpp>
#include <asyncore/word/error.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

namespace asyncore {

/// The address of a socket: IPv4, IPv6, a UNIX path, or (Linux) an abstract UNIX name. A value of
/// 112 bytes on Linux with the `sockaddr` inside; copies freely, allocates nothing. Other families
/// are carried as bytes.
///
/// The kernel fills one in like this:
///     endpoint peer;
///     socklen_t size = peer.capacity();
///     if (::getpeername(fd, peer.data(), &size) == 0) peer.resize(size);
class endpoint {
  static constexpr std::size_t capacity_ =
      sizeof(sockaddr_un) > sizeof(sockaddr_in6) ? sizeof(sockaddr_un) : sizeof(sockaddr_in6);

public:
  /// No address: `family()` is AF_UNSPEC and `size()` is 0.
  endpoint() noexcept = default;

  /// Copies `size` bytes from `address`, which may be null when `size` is 0. Bytes beyond
  /// `capacity()` are dropped: no known address has so many.
  endpoint(const sockaddr* address, socklen_t size) noexcept {
    resize(size);
    if (size_ != 0) std::memcpy(storage_, address, size_);
  }

  /// Reads an address from text. Nothing is resolved: hosts are numeric, there is no DNS.
  ///
  ///     127.0.0.1:8000        IPv4 as inet_pton(3) takes it: four decimal numbers
  ///     [::1]:8000            IPv6 in brackets (RFC 3986 section 3.2.2)
  ///     [fe80::1%eth0]:8000   with a zone (RFC 4007 section 11): an interface's name, or its
  ///                           index when it is all digits
  ///     unix:/path            a path name, taken as it stands, relative ones too; unix(7)
  ///     unix:@name            an abstract name (Linux), where \xHH is a byte and \\ a backslash;
  ///                           a relative path that begins with @ is written unix:./@path
  ///
  /// A port is 0 to 65535 in decimal digits; 0 lets bind choose. Nothing may stand before, after
  /// or between, and no form may hold a NUL. Throws std::system_error that names the text:
  /// `invalid_argument` if it is none of these, `filename_too_long` if the UNIX path or name has
  /// more than sizeof(sun_path) - 1 bytes (107 on Linux), `no_such_device` if if_nametoindex(3)
  /// finds no interface of that name (it needs a free descriptor; a zone by number does not).
  static endpoint parse(std::string_view text) {
    std::error_code ec;
    const endpoint result = parse(text, ec);
    if (ec) refuse(text, ec, forms);
    return result;
  }

  /// The same, with the error in `ec` (cleared on success) and an empty endpoint returned then.
  static endpoint parse(std::string_view text, std::error_code& ec) noexcept {
    endpoint result;
    ec = errno_code(result.read(text));
    return result;
  }

  /// The address `host`, "127.0.0.1", "::1" or "fe80::1%eth0" (numeric and without brackets, no
  /// DNS), and `port` in host byte order. Throws like `parse`.
  static endpoint ip(std::string_view host, std::uint16_t port) {
    std::error_code ec;
    const endpoint result = ip(host, port, ec);
    if (ec) refuse(host, ec, "want a numeric IPv4 or IPv6 address; host names are not looked up");
    return result;
  }

  /// The same, with the error in `ec` (cleared on success) and an empty endpoint returned then.
  static endpoint ip(std::string_view host, std::uint16_t port, std::error_code& ec) noexcept {
    endpoint result;
    const bool v6 = host.find(':') != host.npos;
    ec = errno_code(v6 ? result.read_v6(host, port) : result.read_v4(host, port));
    return result;
  }

  /// AF_INET, AF_INET6, AF_UNIX, another family that the kernel gave, or AF_UNSPEC if empty.
  int family() const noexcept {
    sa_family_t family = AF_UNSPEC;
    constexpr std::size_t at = offsetof(sockaddr, sa_family);
    if (size_ >= at + sizeof(family)) std::memcpy(&family, storage_ + at, sizeof(family));
    return family;
  }

  /// The port in host byte order, 0 to 65535; 0 for every family but AF_INET and AF_INET6.
  std::uint16_t port() const noexcept {
    if (sockaddr_in v4; load(AF_INET, v4)) return ntohs(v4.sin_port);
    if (sockaddr_in6 v6; load(AF_INET6, v6)) return ntohs(v6.sin6_port);
    return 0;
  }

  /// The same address with another port, in host byte order; a family without ports stays as it is.
  endpoint with_port(std::uint16_t port) const noexcept {
    endpoint other = *this;
    if (sockaddr_in v4; load(AF_INET, v4)) {
      v4.sin_port = htons(port);
      other.store(v4, sizeof(v4));
    } else if (sockaddr_in6 v6; load(AF_INET6, v6)) {
      v6.sin6_port = htons(port);
      other.store(v6, sizeof(v6));
    }
    return other;
  }

  /// The host without brackets and port, in the form that `ip` takes back; "" for every family but
  /// AF_INET and AF_INET6.
  std::string host() const {
    const int of = family();
    if (of != AF_INET && of != AF_INET6) return {};
    const std::string text = to_string();
    const std::string_view all(text);
    const std::string_view name = all.substr(0, all.rfind(':'));
    return std::string(of == AF_INET6 ? name.substr(1, name.size() - 2) : name);
  }

  /// The address for a system call, `size()` bytes. Never null.
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(storage_); }
  /// The room for the kernel to write an address, `capacity()` bytes; then tell `resize`.
  sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(storage_); }
  /// Bytes in use, 0 to `capacity()`.
  socklen_t size() const noexcept { return size_; }
  /// The most bytes an address can have: those of the largest, sockaddr_un or sockaddr_in6.
  static constexpr socklen_t capacity() noexcept { return capacity_; }

  /// Says how many bytes of `data()` count, as the kernel returned it. Linux returns one more than
  /// it was offered for a path that fills sun_path (unix(7), BUGS), so more than `capacity()`
  /// means `capacity()`.
  void resize(socklen_t size) noexcept {
    size_ = static_cast<std::uint16_t>(size < capacity_ ? size : capacity_);
  }

  /// True unless `family()` is AF_UNSPEC.
  explicit operator bool() const noexcept { return family() != AF_UNSPEC; }

  /// The address in a form that `parse` takes back. A zone is printed as the interface's name
  /// where there is one (this asks the kernel), else as its number. In an abstract name, bytes
  /// other than printable ASCII are printed as \xHH; a path is printed as it stands.
  ///
  /// What `parse` refuses has a form too: an unnamed UNIX socket is "unix:", one with an empty
  /// abstract name "unix:@", another family "family N", an empty endpoint "".
  ASYNCORE_NOINLINE std::string to_string() const {
    char host[INET6_ADDRSTRLEN] = "";
    if (sockaddr_in v4; load(AF_INET, v4)) {
      ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
      return detail::joined({host, ":", detail::number_text(ntohs(v4.sin_port))});
    }
    if (sockaddr_in6 v6; load(AF_INET6, v6)) {
      ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
      return detail::joined({"[", host, zone_text(v6.sin6_scope_id), "]:",
                             detail::number_text(ntohs(v6.sin6_port))});
    }
    if (family() == AF_UNIX) {
      const std::string_view name = unix_name();
      if (name.starts_with('\0')) return detail::joined({"unix:@", escaped(name.substr(1))});
      return detail::joined({name.starts_with('@') ? "unix:./" : "unix:", name});
    }
    if (!*this) return {};
    return detail::joined({"family ", detail::number_text(static_cast<unsigned>(family()))});
  }

  /// The same family and address: host, port and zone, or UNIX name. What does not tell sockets
  /// apart (padding, the IPv6 flow label, bytes after the NUL of a path) is not compared.
  friend bool operator==(const endpoint& a, const endpoint& b) noexcept {
    if (a.family() != b.family()) return false;
    if (sockaddr_in x, y; a.load(AF_INET, x) && b.load(AF_INET, y))
      return x.sin_port == y.sin_port && x.sin_addr.s_addr == y.sin_addr.s_addr;
    if (sockaddr_in6 x, y; a.load(AF_INET6, x) && b.load(AF_INET6, y))
      return x.sin6_port == y.sin6_port && x.sin6_scope_id == y.sin6_scope_id &&
             std::memcmp(&x.sin6_addr, &y.sin6_addr, sizeof(x.sin6_addr)) == 0;
    if (a.family() == AF_UNIX) return a.unix_name() == b.unix_name();
    return !a || (a.size_ == b.size_ && std::memcmp(a.storage_, b.storage_, a.size_) == 0);
  }

private:
  static constexpr std::size_t path_at = offsetof(sockaddr_un, sun_path);
  static constexpr std::size_t path_max = sizeof(sockaddr_un::sun_path) - 1;  // without the NUL
  static constexpr std::string_view digits = "0123456789";
  static constexpr std::string_view forms =
      "want ADDRESS:PORT, [ADDRESS%ZONE]:PORT, unix:PATH"
#if ASYNCORE_HAS_ABSTRACT_NAMES
      " or unix:@NAME"
#endif
      "; addresses are numeric (host names are not looked up), ports are 0 to 65535";

  // The read functions return 0, or an errno value and leave *this as it was.

  ASYNCORE_NOINLINE int read(std::string_view text) noexcept {
    if (text.find('\0') != text.npos) return EINVAL;
    if (text.starts_with("unix:")) return read_unix(text.substr(5));
    const bool v6 = text.starts_with('[');
    const std::size_t end = text.find(v6 ? ']' : ':');
    if (end == text.npos) return EINVAL;
    const std::string_view host = text.substr(v6, end - v6);
    const std::string_view rest = text.substr(end + v6);
    std::uint32_t port = 0;
    if (!rest.starts_with(':') || !read_number(rest.substr(1), 65535, port)) return EINVAL;
    return v6 ? read_v6(host, static_cast<std::uint16_t>(port))
              : read_v4(host, static_cast<std::uint16_t>(port));
  }

  ASYNCORE_NOINLINE int read_v4(std::string_view host, std::uint16_t port) noexcept {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return read_address(AF_INET, host, &v4.sin_addr) ? store(v4, sizeof(v4)) : EINVAL;
  }

  ASYNCORE_NOINLINE int read_v6(std::string_view host, std::uint16_t port) noexcept {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    const std::size_t percent = host.find('%');
    if (!read_address(AF_INET6, host.substr(0, percent), &v6.sin6_addr)) return EINVAL;
    if (percent != host.npos) {
      const int error = read_zone(host.substr(percent + 1), v6.sin6_scope_id);
      if (error != 0) return error;
    }
    return store(v6, sizeof(v6));
  }

  ASYNCORE_NOINLINE int read_unix(std::string_view name) noexcept {
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    if (!name.starts_with('@')) {
      if (name.empty()) return EINVAL;
      if (name.size() > path_max) return ENAMETOOLONG;
      std::memcpy(un.sun_path, name.data(), name.size());
      return store(un, path_at + name.size() + 1);
    }
#if ASYNCORE_HAS_ABSTRACT_NAMES
    std::size_t used = 1;  // the NUL in front is what makes the name abstract
    for (name.remove_prefix(1); !name.empty(); ++used) {
      if (used > path_max) return ENAMETOOLONG;
      if (!unescape(name, un.sun_path[used])) return EINVAL;
    }
    return used == 1 ? EINVAL : store(un, path_at + used);
#else
    return EINVAL;
#endif
  }

  ASYNCORE_NOINLINE static bool read_address(int family, std::string_view host,
                                             void* address) noexcept {
    char text[INET6_ADDRSTRLEN];
    // inet_pton stops at a NUL, and would take what stands before it.
    if (host.size() >= sizeof(text) || host.find('\0') != host.npos) return false;
    text[host.copy(text, host.size())] = '\0';
    return ::inet_pton(family, text, address) == 1;
  }

  ASYNCORE_NOINLINE static int read_zone(std::string_view zone, std::uint32_t& index) noexcept {
    if (zone.find('\0') != zone.npos) return EINVAL;
    if (zone.find_first_not_of(digits) == zone.npos)
      return read_number(zone, UINT32_MAX, index) ? 0 : EINVAL;
    char name[IF_NAMESIZE];
    if (zone.size() >= sizeof(name)) return ENODEV;
    name[zone.copy(name, zone.size())] = '\0';
    index = ::if_nametoindex(name);
    return index != 0 ? 0 : ENODEV;  // POSIX defines no errno here, and glibc's may be a stale one
  }

  static bool read_number(std::string_view text, std::uint32_t max, std::uint32_t& out) noexcept {
    std::uint64_t value = 0;
    for (const char c : text) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
      if (value > max) return false;
    }
    out = static_cast<std::uint32_t>(value);
    return !text.empty();
  }

  // With the name when `read_zone` reads it back as this index; with digits only it would be an
  // index.
  ASYNCORE_NOINLINE static std::string zone_text(std::uint32_t index) {
    if (index == 0) return {};
    char buffer[IF_NAMESIZE];
    const char* const found = ::if_indextoname(index, buffer);
    const std::string_view name = found != nullptr ? found : "";
    if (name.find_first_not_of(digits) == name.npos || name.find(']') != name.npos)
      return detail::joined({"%", detail::number_text(index)});
    return detail::joined({"%", name});
  }

  // Takes one byte, plain or escaped, off the front of `text`.
  static bool unescape(std::string_view& text, char& byte) noexcept {
    std::size_t used = 1;
    byte = text[0];
    if (byte == '\\') {
      if (text.starts_with("\\x") && text.size() >= 4) {
        const int high = hex_value(text[2]), low = hex_value(text[3]);
        if (high < 0 || low < 0) return false;
        byte = static_cast<char>(high * 16 + low);
        used = 4;
      } else if (text.starts_with("\\\\")) {
        used = 2;
      } else {
        return false;
      }
    }
    text.remove_prefix(used);
    return true;
  }

  static int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }

  ASYNCORE_NOINLINE static std::string escaped(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      char escape[8] = {c, c, '\0'};
      if (byte < 0x20 || byte > 0x7e) std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      text.append(escape, byte < 0x20 || byte > 0x7e ? 4 : c == '\\' ? 2 : 1);
    }
    return text;
  }

  // A path without the NUL that ends it; an abstract name with the NUL in front; or "".
  std::string_view unix_name() const noexcept {
    if (size_ <= path_at) return {};
    const std::string_view all(reinterpret_cast<const char*>(storage_) + path_at, size_ - path_at);
#if ASYNCORE_HAS_ABSTRACT_NAMES
    if (all[0] == '\0') return all;
#endif
    return all.substr(0, all.find('\0'));
  }

  // False, too, for an address that is too short to be one of its family.
  template <class Address>
  bool load(int wanted, Address& address) const noexcept {
    if (family() != wanted || size_ < sizeof(address)) return false;
    std::memcpy(&address, storage_, sizeof(address));
    return true;
  }

  template <class Address>
  int store(const Address& address, std::size_t size) noexcept {
    std::memcpy(storage_, &address, sizeof(address));
    resize(static_cast<socklen_t>(size));
    return 0;
  }

  [[noreturn]] ASYNCORE_COLD static void refuse(std::string_view text, std::error_code ec,
                                  std::string_view wanted) {
    std::string why;
    if (ec == std::errc::filename_too_long) {
      why = detail::joined({"a UNIX path or name has at most ", detail::number_text(path_max),
                            " bytes"});
      wanted = why;
    } else if (ec != std::errc::invalid_argument) {
      wanted = "the zone is neither a number nor the name of an interface";
    }
    detail::throw_error(ec, detail::joined({"endpoint \"", escaped(text), "\": ", wanted}));
  }

  // Bytes, so that sockaddr_un's tail and the size share the 112 bytes that alignment costs anyway.
  alignas(sockaddr_in6) unsigned char storage_[capacity_]{};
  std::uint16_t size_ = 0;
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// A system behind a wall: its descriptors have numbers of their own, which mean nothing to the
/// kernel, so that a call past the system fails; it counts the calls, and can be told to fail.
#pragma once

#include <asyncore/concept/system.hpp>
#include <asyncore/sys/posix_system.hpp>
#include <asyncore/word/interest.hpp>
#include <asyncore/word/timeout.hpp>
#include <asyncore/word/token.hpp>

#include <deque>
#include <limits>
#include <map>
#include <string>

#include "matrix.hpp"

namespace test {

class walled_system {
 public:
  using kernel = asyncore::posix_system;
  using endpoint = asyncore::endpoint;

  walled_system() noexcept = default;
  walled_system(const walled_system&) = delete;
  walled_system& operator=(const walled_system&) = delete;

  /// The number that this system gives to a descriptor of the kernel, and back.
  static constexpr int wall = 5000;
  static int inside(int kernel_fd) noexcept { return kernel_fd < 0 ? kernel_fd : kernel_fd + wall; }
  static int outside(int fd) noexcept { return fd < wall ? -1 : fd - wall; }

  /// How often each call was made.
  std::map<std::string, int> calls;
  /// What the next calls of a name return instead of being made.
  std::map<std::string, std::deque<int>> failures;
  /// The bytes that each call of a sending kind took, in order.
  std::deque<std::ptrdiff_t> sent;

  std::ptrdiff_t read(int fd, std::span<std::byte> into) noexcept {
    return made("read", [&] { return kernel::read(outside(fd), into); });
  }
  std::ptrdiff_t write(int fd, std::span<const std::byte> bytes) noexcept {
    return counted("write", [&] { return kernel::write(outside(fd), bytes); });
  }
  std::ptrdiff_t writev(int fd, std::span<const iovec> pieces) noexcept {
    return counted("writev", [&] { return kernel::writev(outside(fd), pieces); });
  }
  std::ptrdiff_t recv(int fd, std::span<std::byte> into) noexcept {
    return made("recv", [&] { return kernel::recv(outside(fd), into); });
  }
  std::ptrdiff_t send(int fd, std::span<const std::byte> bytes) noexcept {
    return counted("send", [&] { return kernel::send(outside(fd), bytes); });
  }
  std::ptrdiff_t sendmsg(int fd, std::span<const iovec> pieces) noexcept {
    return counted("sendmsg", [&] { return kernel::sendmsg(outside(fd), pieces); });
  }
  std::ptrdiff_t recvfrom(int fd, std::span<std::byte> into, endpoint& from) noexcept {
    return made("recvfrom", [&] { return kernel::recvfrom(outside(fd), into, from); });
  }
  std::ptrdiff_t sendto(int fd, std::span<const std::byte> bytes, const endpoint& to) noexcept {
    return counted("sendto", [&] { return kernel::sendto(outside(fd), bytes, to); });
  }

  int socket(int family, int type) noexcept {
    return inside(made("socket", [&] { return kernel::socket(family, type); }));
  }
  int bind(int fd, const endpoint& where) noexcept {
    return made("bind", [&] { return kernel::bind(outside(fd), where); });
  }
  int listen(int fd, int backlog) noexcept {
    return made("listen", [&] { return kernel::listen(outside(fd), backlog); });
  }
  int connect(int fd, const endpoint& to) noexcept {
    return made("connect", [&] { return kernel::connect(outside(fd), to); });
  }
  int accept(int fd, endpoint& from) noexcept {
    return inside(made("accept", [&] { return kernel::accept(outside(fd), from); }));
  }
  int shutdown(int fd, int how) noexcept {
    return made("shutdown", [&] { return kernel::shutdown(outside(fd), how); });
  }
  int close(int fd) noexcept {
    return made("close", [&] { return kernel::close(outside(fd)); });
  }
  int getsockname(int fd, endpoint& name) noexcept {
    return made("getsockname", [&] { return kernel::getsockname(outside(fd), name); });
  }
  int getpeername(int fd, endpoint& name) noexcept {
    return made("getpeername", [&] { return kernel::getpeername(outside(fd), name); });
  }
  /// A failure told for SO_ERROR is the error that the option has.
  int getsockopt(int fd, int level, int name, int& value) noexcept {
    if (level == SOL_SOCKET && name == SO_ERROR && !failures["SO_ERROR"].empty()) {
      value = next("SO_ERROR");
      return 0;
    }
    return made("getsockopt", [&] { return kernel::getsockopt(outside(fd), level, name, value); });
  }
  int setsockopt(int fd, int level, int name, int value) noexcept {
    return made("setsockopt", [&] { return kernel::setsockopt(outside(fd), level, name, value); });
  }
  int dup(int fd) noexcept {
    return inside(made("dup", [&] { return kernel::dup(outside(fd)); }));
  }
  int set_nonblocking(int fd) noexcept {
    return made("set_nonblocking", [&] { return kernel::set_nonblocking(outside(fd)); });
  }
  int unread(int fd) noexcept {
    return made("unread", [&] { return kernel::unread(outside(fd)); });
  }
  std::chrono::nanoseconds now() noexcept {
    ++calls["now"];
    return kernel::now();
  }
  const asyncore::fd_closer* closer() noexcept { return &closer_; }

 private:
  struct closing : asyncore::fd_closer {
    explicit closing(walled_system& system) noexcept
        : fd_closer{[](const fd_closer& self, int fd) noexcept {
            static_cast<const closing&>(self).of.close(fd);
          }},
          of(system) {}
    walled_system& of;
  };

  int next(const std::string& name) {
    const int value = failures[name].front();
    failures[name].pop_front();
    return value;
  }
  template <class Call>
  auto made(const std::string& name, Call call) noexcept -> decltype(call()) {
    ++calls[name];
    return failures[name].empty() ? call() : next(name);
  }
  template <class Call>
  std::ptrdiff_t counted(const std::string& name, Call call) noexcept {
    sent.push_back(made(name, call));
    return sent.back();
  }

  closing closer_{*this};
};

static_assert(asyncore::system_calls<walled_system>);

/// A poller of the kernel that knows descriptors by their numbers inside of the wall.
template <class Poller>
class walled_poller {
 public:
  using system = walled_system;
  static constexpr std::string_view name = Poller::name;

  system& get_system() noexcept { return system_; }

  std::error_code add(asyncore::token t, asyncore::interest wanted) {
    return poller_.add(outside(t), wanted);
  }
  std::error_code modify(asyncore::token t, asyncore::interest wanted) {
    return poller_.modify(outside(t), wanted);
  }
  void remove(asyncore::token t) noexcept { poller_.remove(outside(t)); }
  template <class Sink>
  int wait(asyncore::timeout_type timeout, Sink sink) {
    return poller_.wait(timeout, [&](asyncore::token t, asyncore::readiness ready) {
      sink({system::inside(t.fd), t.generation}, ready);
    });
  }

 private:
  static asyncore::token outside(asyncore::token t) noexcept {
    return {system::outside(t.fd), t.generation};
  }

  system system_;
  Poller poller_;
};

/// The place with its system behind the wall.
template <class Place>
using walled = place<walled_poller<typename Place::poller>, typename Place::map_kind,
                     Place::closed>;

}  // namespace test

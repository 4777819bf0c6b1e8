// SPDX-License-Identifier: BSL-1.0
/// What the flow servers and their load client agree on: each request asks for a number of bytes, a
/// worker answers it in a later turn, and until the answer has left, no more is read.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "fail.hpp"

namespace bench {

struct flow_request {
  std::uint32_t size;
  std::uint32_t id;

  static constexpr std::uint32_t largest = 1 << 20;
};

/// The answer to a request, which stays where it is for ever.
inline std::string_view flow_answer(flow_request request) {
  static const std::vector<char> pattern = [] {
    std::vector<char> bytes(flow_request::largest + 251);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % 251);
    return bytes;
  }();
  if (request.size > flow_request::largest) fail("a request for too much", EPROTO);
  return {pattern.data() + request.id % 251, request.size};
}

/// Reads a request, of which a client sends one at a time.
inline flow_request to_request(const void* bytes, std::size_t size) {
  flow_request request;
  if (size != sizeof request) fail("what came is no request", EPROTO);
  std::memcpy(&request, bytes, sizeof request);
  return request;
}

/// A large answer shall fill the buffer of the socket several times.
inline void narrow(int fd) {
  const int on = 1, size = 65536;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/// Requests that wait for the worker, whose descriptor becomes readable when there are any, as that
/// of a pool of threads would. `Who` says whose they are.
template <class Who>
class work_queue {
 public:
  int descriptor() const { return descriptor_; }

  void put(Who who, flow_request what) {
    if (jobs_.empty() && ::eventfd_write(descriptor_, 1) != 0) fail("eventfd_write");
    jobs_.emplace_back(std::move(who), what);
  }

  /// Its connection has ended.
  void forget(const Who& who) {
    std::erase_if(jobs_, [&](const auto& job) { return job.first == who; });
  }

  /// Calls `answer(who, bytes)` for each.
  template <class Answer>
  void work(Answer answer) {
    eventfd_t count;
    ::eventfd_read(descriptor_, &count);
    for (auto& [who, what] : std::exchange(jobs_, {})) answer(who, flow_answer(what));
  }

 private:
  int descriptor_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::vector<std::pair<Who, flow_request>> jobs_;
};

}  // namespace bench

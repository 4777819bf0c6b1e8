// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp without any library: edge-triggered, so that nothing is ever re-armed.
#include "support/flow.hpp"
#include "support/hand_server.hpp"

namespace {

bench::work_queue<int> work;

struct connection {
  std::uint32_t accepted(int fd) {
    bench::narrow(fd);
    open = true;
    return EPOLLIN | EPOLLOUT | EPOLLET;
  }

  bool ready(int fd, std::uint32_t events) {
    if (!open) return true;  // closed by `answer_all` earlier in the turn
    if (events & EPOLLIN) unread = true;
    const bool going = events & EPOLLOUT && busy && !rest.empty() ? send(fd) : read(fd);
    if (!going) work.forget(fd);
    return going;
  }

  bool answer(int fd, std::string_view bytes) {
    rest = bytes;
    return send(fd);
  }

 private:
  bool read(int fd) {
    if (busy || !unread) return true;
    char bytes[64];
    const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    unread = false;
    work.put(fd, bench::to_request(bytes, static_cast<std::size_t>(got)));
    return busy = true;
  }

  bool send(int fd) {
    const ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    rest.remove_prefix(static_cast<std::size_t>(sent));
    if (!rest.empty()) return true;
    busy = false;
    return read(fd);
  }

  bool open = false;
  bool unread = false;  // the kernel has said so, and will not again
  bool busy = false;
  std::string_view rest;  // of the answer
};

void answer_all() {
  work.work([](int fd, std::string_view bytes) {
    auto& each = bench::connections<connection>[static_cast<std::size_t>(fd)];
    if (each.answer(fd, bytes)) return;
    ::close(fd);
    each = {};
  });
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_server<connection>(
      argc, argv,
      [] {
        bench::watch(work.descriptor(), EPOLLIN);
        return work.descriptor();
      },
      answer_all);
}

// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp on libev.
#include "support/flow.hpp"
#include "support/libev_server.hpp"

namespace {

struct connection;
bench::work_queue<connection*> work;

struct connection {
  connection(struct ev_loop* here, int fd) : loop(here) {
    bench::narrow(fd);
    ev_io_init(&reading, on_readable, fd, EV_READ);
    ev_io_init(&writing, on_writable, fd, EV_WRITE);
    reading.data = writing.data = this;
    ev_io_start(loop, &reading);
  }
  ~connection() {
    work.forget(this);
    ev_io_stop(loop, &reading);
    ev_io_stop(loop, &writing);
    ::close(reading.fd);
  }

  static void on_readable(struct ev_loop* loop, ev_io* watcher, int) {
    auto* self = static_cast<connection*>(watcher->data);
    char bytes[64];
    const ssize_t got = ::recv(watcher->fd, bytes, sizeof bytes, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return delete self;
    work.put(self, bench::to_request(bytes, static_cast<std::size_t>(got)));
    ev_io_stop(loop, watcher);
  }

  static void on_writable(struct ev_loop*, ev_io* watcher, int) {
    static_cast<connection*>(watcher->data)->send();
  }

  void send() {
    const ssize_t sent = ::send(writing.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return delete this;
    if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
    if (!rest.empty()) return ev_io_start(loop, &writing);
    ev_io_stop(loop, &writing);
    ev_io_start(loop, &reading);
  }

  struct ev_loop* loop;
  ev_io reading, writing;
  std::string_view rest;  // of the answer
};

void on_work(struct ev_loop*, ev_io*, int) {
  work.work([](connection* who, std::string_view bytes) {
    who->rest = bytes;
    who->send();
  });
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_server<connection>(argc, argv, [](struct ev_loop* loop) {
    static ev_io worker;
    ev_io_init(&worker, on_work, work.descriptor(), EV_READ);
    ev_io_start(loop, &worker);
  });
}

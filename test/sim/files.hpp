// SPDX-License-Identifier: BSL-1.0
/// Pipes, files and datagrams of the program under test.
#pragma once

#include "seated.hpp"

#include <netinet/in.h>

namespace test::sim {

/// Writes a keyed stream into a pipe.
template <class Place>
struct pipe_writer : asyncore::file_dispatcher<pipe_writer<Place>, loop_of<Place>> {
  pipe_writer(loop_of<Place>& loop, int fd, stage& s, conversation& c)
      : pipe_writer::file_dispatcher(loop, fd), on(s), stream(c.key), length(c.length), talk(c) {}
  void handle_write() {
    const std::uint64_t left = length - sent;
    if (left == 0) return this->close();
    const auto count = static_cast<std::size_t>(
        on.random.between(1, left < 3000 ? left : std::uint64_t{3000}));
    const auto result = this->send(stream.bytes(sent, count));
    if (result.closed()) return;
    if (result.error()) {
      on.report(result.error());
      return handle_error();
    }
    sent += result.bytes();
  }
  void handle_close() { handle_error(); }
  void handle_error() {
    on.report(this->loop().last_error());
    talk.spoiled |= sent < length;
    this->close();
  }
  void log(std::string_view) {}
  stage& on;
  asyncore::keyed_stream stream;
  std::uint64_t length, sent = 0;
  conversation& talk;
};

/// Reads one from a pipe or a regular file. It has no predicates.
template <class Place>
struct pipe_reader : asyncore::file_dispatcher<pipe_reader<Place>, loop_of<Place>>,
                     seated<pipe_reader<Place>> {
  pipe_reader(loop_of<Place>& loop, int fd, stage& s, conversation& c)
      : pipe_reader::file_dispatcher(loop, fd), seated<pipe_reader>(s, c, "pipe", true) {
    this->by_call = true;
  }
  void handle_data(std::span<const std::byte> data) {
    const lent stays(this->on, data);
    this->heard(data);
    this->on.misbehave(*this);
  }
  void handle_close() {
    talk.ended(this->native_handle());
    talk.done();
    this->close();
  }
  void handle_error() { this->fail(); }
  void log(std::string_view) {}
  using seated<pipe_reader>::talk;
};

/// Watches a descriptor that the user owns.
template <class Place>
struct watcher : asyncore::channel<watcher<Place>, loop_of<Place>>, seated<watcher<Place>> {
  watcher(loop_of<Place>& loop, int fd, stage& s, conversation& c)
      : watcher::channel(loop, fd), seated<watcher>(s, c, "watcher", true), own(fd) {}
  ~watcher() override { shut(); }
  bool readable() const { return !this->paused && !talk.closed(); }
  void handle_read() {
    std::byte buffer[300];
    const std::ptrdiff_t n = this->loop().system().read(own, buffer);
    if (n == -EAGAIN) return;
    if (n < 0) this->on.report(asyncore::errno_code(static_cast<int>(-n)));
    if (n <= 0) {
      handle_close();
      return shut();
    }
    talk.received(std::span(buffer).first(static_cast<std::size_t>(n)));
    this->on.misbehave(*this);
  }
  void handle_close() {
    talk.ended(own);
    talk.done();
    if (this->on.mischief == 0) shut();  // else it stays, and wants nothing
  }
  void pause(bool now) override {
    if (!now && talk.closed()) return shut();
    seated<watcher>::pause(now);
  }
  void handle_error() { this->fail(); }
  void shut() override {
    seated<watcher>::shut();
    if (own >= 0) this->on.kernel.close(std::exchange(own, -1));
  }
  using seated<watcher>::talk;
  int own;
};

/// Two of them send each other messages, which may be lost but not changed.
template <class Place>
struct datagrams : asyncore::dispatcher<datagrams<Place>, loop_of<Place>> {
  datagrams(loop_of<Place>& loop, stage& s, std::uint64_t id)
      : datagrams::dispatcher(loop), on(s), key(id) {
    this->create_socket(AF_INET, SOCK_DGRAM);
    this->bind(endpoint::ip("127.0.0.1", 0));
  }
  bool writable() const { return to_send > 0 && peer; }
  void handle_write() {
    --to_send;
    const std::uint64_t id = on.random.below(1000);
    const auto size = static_cast<std::size_t>(id);
    this->sendto(asyncore::keyed_stream(key + id).bytes(0, size), peer);
  }
  void handle_read() {
    std::byte buffer[1024];
    endpoint from;
    const auto got = this->recvfrom(buffer, from);
    if (!got.ok()) return;
    if (!asyncore::keyed_stream(key + got.bytes()).matches(0, std::span(buffer).first(got.bytes())))
      on.kernel.object("a datagram has changed");
    if (peer && !(from == peer)) on.kernel.object("a datagram from nobody");
  }
  void handle_close() { this->close(); }
  void handle_error() {
    on.report(this->loop().last_error());
    this->close();
  }
  void log(std::string_view) {}
  stage& on;
  std::uint64_t key;
  endpoint peer;
  int to_send = 5;
};

/// Sends messages to where nobody is; an error of one of them ends nothing.
template <class Place>
struct caller : asyncore::dispatcher<caller<Place>, loop_of<Place>> {
  caller(loop_of<Place>& loop, stage& s) : caller::dispatcher(loop), on(s) {
    this->create_socket(AF_INET, SOCK_DGRAM);
    if (on.random.chance(32768))
      on.kernel.system().setsockopt(this->native_handle(), IPPROTO_IP, IP_RECVERR, 1);
    reads = on.random.chance(32768);
    this->connect(endpoint::ip("127.0.0.1", 9));
  }
  bool readable() const { return reads; }
  bool writable() const { return to_send > 0; }
  void handle_write() {
    --to_send;
    (void)this->send("anybody?");
  }
  void handle_data(std::span<const std::byte>) { on.kernel.object("an answer from nobody"); }
  void handle_close(std::error_code why) {
    // The network's word of one message; the other errors are made up.
    if (why != std::errc::connection_reset && why != std::errc::broken_pipe)
      on.kernel.object("an error of a message ends its channel");
    this->close();
  }
  void handle_error() { on.report(this->loop().last_error()); }
  void log(std::string_view) {}
  stage& on;
  bool reads = false;
  int to_send = 5;
};

}  // namespace test::sim

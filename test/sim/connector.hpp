// SPDX-License-Identifier: BSL-1.0
/// The clients that are channels.
#pragma once

#include "reminders.hpp"
#include "seated.hpp"

namespace test::sim {

/// A client that is a channel.
template <class Place>
struct connector : asyncore::dispatcher_with_send<connector<Place>, loop_of<Place>>,
                   seated<connector<Place>> {
  connector(loop_of<Place>& loop, const endpoint& to, stage& s, std::size_t id)
      : connector::dispatcher_with_send(loop),
        seated<connector>(s, s.conversations[id], "connector", false),
        stream(s.conversations[id].key) {
    this->choose_how_to_pause();
    this->create_socket(to.family());
    if (to.family() != AF_UNIX) this->bind(stage::address_of(id));
    this->connect(to);
  }
  ~connector() override { --this->on.clients_left; }
  bool readable() const { return this->says_readable(); }
  bool writable() const { return sent < length() || (!ended && !server_ends()); }
  std::uint64_t length() const { return talk.talk().length; }
  bool server_ends() const { return talk.talk().server_ends; }
  void handle_connect() {
    talk.order().on_connect();
    const auto* const node = this->on.kernel.at(this->native_handle());
    if (node == nullptr || !node->was_connected) this->on.kernel.object("connected too early");
    this->on.misbehave(*this);
  }
  void handle_write() {
    talk.order().on_write_even_after_close();
    if (this->queued() > 0) return;
    const std::uint64_t left = length() - sent;
    if (left > 0) {
      const auto count = static_cast<std::size_t>(
          this->on.random.between(1, left < 3000 ? left : std::uint64_t{3000}));
      const std::string bytes = stream.bytes(sent, count);
      sent += count;
      this->send(bytes);
      // Half of them end their stream while they still have bytes to send.
      if (sent < length() || server_ends() || talk.talk().key % 2 == 0 || !this->registered())
        return;
      ended = true;
      this->shutdown();
    } else if (!ended) {
      ended = true;
      this->shutdown();
    }
  }
  void handle_data(std::span<const std::byte> data) {
    const lent stays(this->on, data);
    this->heard(data);
    remind(*this);
    this->on.misbehave(*this);
  }
  void handle_close() {
    talk.ended(this->native_handle());
    talk.done();
    this->close();
  }
  void handle_error() { this->fail(); }
  void log(std::string_view) {}
  asyncore::keyed_stream stream;
  using seated<connector>::talk;
  std::uint64_t sent = 0;
  bool ended = false;
};

}  // namespace test::sim

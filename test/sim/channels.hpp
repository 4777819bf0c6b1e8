// SPDX-License-Identifier: BSL-1.0
/// The program under test: channels of every kind, on the loop of a `Place`.
#pragma once

#include "../support/matrix.hpp"
#include "stage.hpp"

namespace test::sim {

template <class Place>
struct echo;
template <class Place>
struct raw;
template <class Place>
struct chat;
template <class Place>
struct listener;
template <class Place>
struct connector;
template <class Place>
struct pipe_writer;
template <class Place>
struct pipe_reader;
template <class Place>
struct watcher;
template <class Place>
struct datagrams;

template <class Place>
using loop_of = typename Place::template loop<echo<Place>, raw<Place>, chat<Place>,
                                              listener<Place>, connector<Place>,
                                              pipe_writer<Place>, pipe_reader<Place>,
                                              watcher<Place>, datagrams<Place>>;

/// The part of a seat that is the same for all channels; `talk` checks what they hear and say.
template <class Derived>
struct seated : seat {
  seated(stage& s, conversation& c, std::string_view name, bool connected)
      : on(s), talk(s, c, name, connected) {
    on.enter(*this);
  }
  ~seated() override { on.leave(*this); }
  void pause(bool now) override {
    if (paused == now) return;
    on.kernel.trace().remark(now ? "paused" : "goes on");
    paused = now;
    self().rearm();
  }
  void stop_loop() override { self().loop().stop(); }
  void shut() override {
    talk.spoil();
    self().close();
  }
  void fail() {
    on.report(self().loop().last_error());
    shut();
  }
  Derived& self() { return static_cast<Derived&>(*this); }

  stage& on;
  speaker talk;
  bool paused = false;
};

/// Sends back what it receives. Asked on rearm; does not read from who does not read.
template <class Place>
struct echo : asyncore::dispatcher_with_send<echo<Place>, loop_of<Place>>, seated<echo<Place>> {
  echo(loop_of<Place>& loop, asyncore::socket peer, stage& s, conversation& c)
      : echo::dispatcher_with_send(loop, std::move(peer)), seated<echo>(s, c, "echo", true) {}
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return !this->paused && this->queued() < 1000; }
  bool writable() const { return this->closing() || ending; }
  void handle_data(std::span<const std::byte> data) {
    talk.received(data);
    if (this->on.random.chance(8192) && data.size() > 1) {  // in pieces
      this->send(data.first(1));
      this->send(data.subspan(1));
    } else {
      this->send(data);
    }
    ending = talk.talk().server_ends && talk.complete();
    this->on.misbehave(*this);
  }
  void handle_close() {
    talk.ended(this->native_handle());
    handle_write();
    if (this->native_handle() < 0) this->on.interrupt();
  }
  void handle_write() {
    if (this->queued() > 0 && !talk.lost(this->native_handle())) return;
    if (this->queued() == 0) talk.done();
    this->close();
  }
  void handle_error() { this->fail(); }
  void log(std::string_view) {}
  using seated<echo>::talk;
  bool ending = false;
};

/// The same on a plain dispatcher, which reads and writes by itself. Asked every turn.
template <class Place>
struct raw : asyncore::dispatcher<raw<Place>, loop_of<Place>>, seated<raw<Place>> {
  raw(loop_of<Place>& loop, asyncore::socket peer, stage& s, conversation& c)
      : raw::dispatcher(loop, std::move(peer)), seated<raw>(s, c, "raw", true) {}
  bool readable() const { return !this->paused && out.size() < 1000; }
  bool writable() const { return !out.empty() || this->closing() || ending; }
  void handle_read() {
    std::byte buffer[700];
    const auto got = this->recv(std::span(buffer).first(this->on.random.between(1, sizeof buffer)));
    if (got.closed() || got.would_block()) return;
    if (got.error()) {
      this->on.report(got.error());
      return this->shut();
    }
    talk.received(std::span(buffer).first(got.bytes()));
    if (!broken) out.append(asyncore::as_text(std::span(buffer).first(got.bytes())));
    ending = talk.talk().server_ends && talk.complete();
    this->on.misbehave(*this);
  }
  void handle_write() {
    talk.order().on_write_even_after_close();
    if (!out.empty()) {
      auto& loop = this->loop();
      const asyncore::token id = this->id();
      const auto sent = this->send(out);
      if (sent.closed()) {  // handle_close may come later, behind what is to be read
        if (loop.alive(id)) break_off();
        return;
      }
      if (sent.error()) {
        this->on.report(sent.error());
        return this->shut();
      }
      out.erase(0, sent.bytes());
    }
    if ((this->closing() || ending) && out.empty()) finish();
  }
  void handle_close() {
    talk.ended(this->native_handle());
    if (out.empty() || talk.lost(this->native_handle())) finish();
  }
  void finish() {
    if (out.empty()) talk.done();
    this->close();
  }
  void handle_error() { this->fail(); }
  void log(std::string_view) {}
  void break_off() {
    broken = true;
    out.clear();
    if (this->closing()) finish();
  }
  using seated<raw>::talk;
  std::string out;
  bool ending = false;
  bool broken = false;  // nobody takes the answer
};

/// The same in pieces between terminators of all kinds, which it sends back too.
template <class Place>
struct chat : asyncore::async_chat<chat<Place>, loop_of<Place>>, seated<chat<Place>> {
  chat(loop_of<Place>& loop, asyncore::socket peer, stage& s, conversation& c)
      : chat::async_chat(loop, std::move(peer)), seated<chat>(s, c, "chat", true) {
    next_terminator();
  }
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return !this->paused && this->queued() < 1000; }
  bool writable() const { return talk.closed(); }
  void collect_incoming_data(std::span<const std::byte> data) {
    talk.received(data);
    if (number > 0 && data.size() > number - counted) this->on.kernel.object("chat: too much");
    counted += data.size();
    if (this->on.random.chance(8192)) {
      this->push_with_producer(asyncore::simple_producer(
          std::string(asyncore::as_text(data)), this->on.random.between(1, 300)));
    } else {
      this->push(data);
    }
    end_if_complete();
  }
  void found_terminator() {
    if (number != std::exchange(counted, 0) && number > 0)
      this->on.kernel.object("chat: too early");
    number = 0;
    if (!end_text.empty()) {
      talk.received(asyncore::bytes_view(end_text));
      this->push(end_text);
    }
    end_if_complete();
    if (this->on.misbehave(*this)) next_terminator();
  }
  void end_if_complete() {
    if (talk.talk().server_ends && talk.complete()) this->close_when_done();
  }
  void next_terminator() {
    end_text.clear();
    switch (this->on.random.below(3)) {
      case 0:
        end_text.assign(1, static_cast<char>(this->on.random.below(256)));
        return this->set_terminator(end_text);
      case 1:
        counted = 0;
        number = this->on.random.between(1, 200);
        return this->set_terminator(number);
      default:
        return this->set_terminator(nullptr);
    }
  }
  void handle_close() {
    talk.ended(this->native_handle());
    handle_write();
  }
  void handle_write() {
    if (this->has_output() && !talk.lost(this->native_handle())) return;
    if (!this->has_output()) talk.done();
    this->close();
  }
  void handle_error() { this->fail(); }
  void log(std::string_view) {}
  using seated<chat>::talk;
  std::string end_text;
  std::uint64_t number = 0, counted = 0;  // the bytes of a piece, where it has a number of them
};

/// Gives each connection to a channel of another kind, owned by the loop or by the user.
template <class Place>
struct listener : asyncore::dispatcher<listener<Place>, loop_of<Place>> {
  listener(loop_of<Place>& loop, const endpoint& where, stage& s)
      : listener::dispatcher(loop), on(s) {
    this->create_socket(where.family());
    this->set_reuse_addr();
    this->bind(where);
    this->listen(static_cast<int>(s.random.between(1, 20)));
  }
  static constexpr auto predicates = asyncore::ask_on_rearm;
  void handle_accepted(asyncore::socket peer, endpoint from) {
    conversation& c = on.of(from);
    const bool spoiled = std::exchange(c.spoiled, true);  // if this throws
    serve(std::move(peer), c);
    c.spoiled = spoiled;
  }
  void serve(asyncore::socket peer, conversation& c) {
    switch (on.random.below(3)) {
      case 0:
        return serve_by<echo<Place>>(std::move(peer), c);
      case 1:
        return serve_by<raw<Place>>(std::move(peer), c);
      default:
        return serve_by<chat<Place>>(std::move(peer), c);
    }
  }
  template <class Channel>
  void serve_by(asyncore::socket peer, conversation& c) {
    if (on.random.chance(16384)) {
      on.owned.push_back(std::make_unique<Channel>(this->loop(), std::move(peer), on, c));
    } else {
      this->loop().template emplace<Channel>(std::move(peer), on, c);
    }
  }
  void handle_error() {
    on.report(this->loop().last_error());
    on.refuses = true;
    this->close();
  }
  void log(std::string_view) {}
  stage& on;
};

/// A client that is a channel.
template <class Place>
struct connector : asyncore::dispatcher_with_send<connector<Place>, loop_of<Place>>,
                   seated<connector<Place>> {
  connector(loop_of<Place>& loop, const endpoint& to, stage& s, std::size_t id)
      : connector::dispatcher_with_send(loop),
        seated<connector>(s, s.conversations[id], "connector", false),
        stream(s.conversations[id].key) {
    this->create_socket(to.family());
    if (to.family() != AF_UNIX) this->bind(stage::address_of(id));
    this->connect(to);
  }
  ~connector() override { --this->on.clients_left; }
  bool readable() const { return !this->paused; }
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
    } else if (!ended) {
      ended = true;
      this->shutdown();
    }
  }
  void handle_data(std::span<const std::byte> data) {
    talk.received(data);
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

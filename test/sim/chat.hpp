// SPDX-License-Identifier: BSL-1.0
/// A server's channel with terminators and producers.
#pragma once

#include "marked.hpp"
#include "reminders.hpp"
#include "seated.hpp"

namespace test::sim {

/// The same in pieces between terminators of all kinds, which it sends back too.
template <class Place>
struct chat : asyncore::async_chat<chat<Place>, loop_of<Place>>,
              seated<chat<Place>>,
              marked<chat<Place>> {
  chat(loop_of<Place>& loop, asyncore::socket peer, stage& s, conversation& c)
      : chat::async_chat(loop, std::move(peer)), seated<chat>(s, c, "chat", true),
        marked<chat>(s) {
    next_terminator();
  }
  static constexpr auto predicates = asyncore::ask_on_rearm;
  /// In some places it lingers, in others it does as Python's.
  static constexpr bool lingers = std::is_same_v<typename Place::map_kind, hashed>;
  static constexpr std::chrono::nanoseconds linger_time{lingers ? stage::linger.count() : 0};
  using marked<chat>::high_watermark, marked<chat>::low_watermark;
  bool readable() const {
    return !this->paused && (this->stops_reading || this->queued() < 1000);
  }
  bool writable() const { return talk.closed(); }
  void collect_incoming_data(std::span<const std::byte> data) {
    const lent stays(this->on, data);
    this->check_marks();
    const std::span<const std::byte> wanted = this->heard(data);
    if (number > 0 && data.size() > number - counted) this->on.kernel.object("chat: too much");
    counted += data.size();
    if (this->on.random.chance(8192)) {
      this->push_with_producer(asyncore::simple_producer(
          std::string(asyncore::as_text(wanted)), this->on.random.between(1, 300)));
    } else {
      this->push(wanted);
    }
    end_if_complete();
  }
  void found_terminator() {
    this->check_marks();
    if (this->reading_paused()) talk.object("finds although it has paused");
    if (number != std::exchange(counted, 0) && number > 0)
      this->on.kernel.object("chat: too early");
    number = 0;
    if (!end_text.empty()) {
      this->push(talk.received(asyncore::bytes_view(end_text)));
    }
    end_if_complete();
    remind(*this);
    if (this->on.misbehave(*this)) next_terminator();
  }
  void end_if_complete() {
    if (!talk.talk().server_ends || !talk.complete() || !this->registered()) return;
    if (lingers) talk.lingers();
    leaving = lingers;
    this->close_when_done();
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
  void close() {
    if (leaving) talk.done();
    chat::async_chat::close();
  }
  void handle_write() {
    if (this->has_output() && !talk.lost(this->native_handle())) return;
    if (!this->has_output()) talk.done();
    this->close();
  }
  void handle_error() { this->fail(); }
  void handle_closed(const asyncore::close_info&) {
    talk.order().on_closed(this->native_handle());
    this->on.interrupt();
  }
  ~chat() override { this->check_told(); }
  void log(std::string_view) {}
  using seated<chat>::talk;
  bool leaving = false;
  std::string end_text;
  std::uint64_t number = 0, counted = 0;  // the bytes of a piece, where it has a number of them
};

}  // namespace test::sim

// SPDX-License-Identifier: BSL-1.0
/// A server's channel with an out-queue.
#pragma once

#include "marked.hpp"
#include "patient.hpp"
#include "reminders.hpp"
#include "seated.hpp"

namespace test::sim {

/// Sends back what it receives. Asked on rearm; does not read from who does not read.
template <class Place>
struct echo : asyncore::dispatcher_with_send<echo<Place>, loop_of<Place>>,
              patient<echo<Place>, loop_of<Place>>,
              seated<echo<Place>>,
              marked<echo<Place>> {
  echo(loop_of<Place>& loop, asyncore::socket peer, stage& s, conversation& c)
      : echo::dispatcher_with_send(loop, std::move(peer)), seated<echo>(s, c, "echo", true),
        marked<echo>(s) {
    this->sign_of_life();
    talk.meter(this->native_handle());
  }
  static constexpr auto predicates = asyncore::ask_on_rearm;
  static constexpr std::chrono::nanoseconds linger_time = stage::linger;
  using marked<echo>::high_watermark, marked<echo>::low_watermark;
  bool readable() const {
    return !this->paused && (this->stops_reading || this->queued() < 1000);
  }
  bool writable() const { return !leaving && (this->closing() || ending); }
  void handle_data(std::span<const std::byte> data) {
    const lent stays(this->on, data);
    this->check_marks();
    this->sign_of_life();
    answer(this->heard(data));
    remind(*this);
    if (talk.talk().server_ends && talk.complete()) end();
    this->on.misbehave(*this);
  }
  void answer(std::span<const std::byte> data) {
    if (this->on.random.chance(8192) && data.size() > 1) {  // in pieces
      talk.answered(this->send(data.first(1)).bytes());
      data = data.subspan(1);
    }
    talk.answered(this->send(data).bytes());
  }
  /// By `close_when_done`, or by its own means.
  void end() {
    if (ending || leaving || !this->registered()) return;
    if (talk.talk().surplus == 0 && !(this->on.with.leaving && this->on.random.chance(32768))) {
      ending = true;
      return;
    }
    talk.lingers();
    leave();
    if (!this->send("more").closed()) talk.object("it leaves and sends");
  }
  void leave() {
    leaving = true;
    this->close_when_done();
  }
  void handle_drain() {
    talk.drains();
    leave();
  }
  void handle_close() {
    talk.ended(this->native_handle());
    if (!leaving) handle_write();
    if (this->native_handle() < 0) this->on.interrupt();
  }
  void handle_write() {
    if (this->queued() > 0 && !talk.lost(this->native_handle())) return;
    if (this->queued() == 0) talk.done();
    this->close();
  }
  void close() {
    if (leaving) talk.done();  // if that is too early, its client will tell
    echo::dispatcher_with_send::close();
    this->check_cleared();
  }
  void handle_error() { this->fail(); }
  void handle_closed(const asyncore::close_info& info) {
    talk.gone(this->native_handle(), info);
    echo::dispatcher_with_send::close();  // which it is
    this->on.interrupt();
  }
  ~echo() override { this->check_told(); }
  void log(std::string_view) {}
  using seated<echo>::talk;
  bool ending = false;
  bool leaving = false;
};

}  // namespace test::sim

// SPDX-License-Identifier: BSL-1.0
/// A server's channel without an out-queue.
#pragma once

#include "patient.hpp"
#include "seated.hpp"

namespace test::sim {

/// The same on a plain dispatcher, which reads and writes by itself. Asked every turn.
template <class Place>
struct raw : asyncore::dispatcher<raw<Place>, loop_of<Place>>,
             patient<raw<Place>, loop_of<Place>>,
             seated<raw<Place>> {
  raw(loop_of<Place>& loop, asyncore::socket peer, stage& s, conversation& c)
      : raw::dispatcher(loop, std::move(peer)), seated<raw>(s, c, "raw", true) {
    this->choose_how_to_pause();
    this->sign_of_life();
  }
  bool readable() const { return this->says_readable() && out.size() < 1000; }
  bool writable() const { return !out.empty() || this->closing() || ending; }
  void handle_read() {
    std::byte buffer[700];
    const auto got = this->recv(std::span(buffer).first(this->on.random.between(1, sizeof buffer)));
    if (got.closed() || got.would_block()) return;
    if (got.error()) {
      this->on.report(got.error());
      return this->shut();
    }
    this->sign_of_life();
    this->heard(std::span(buffer).first(got.bytes()));
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

}  // namespace test::sim

// SPDX-License-Identifier: BSL-1.0
/// Channels that do something drastic in one of their hooks.
#pragma once

#include <asyncore.hpp>

#include <array>
#include <functional>
#include <stdexcept>

#include "matrix.hpp"

namespace test {

/// Where an actor acts. `read` is handle_read or handle_data; `refused` and `thrown` are
/// handle_error, after a connection attempt and after an exception.
enum class hook { read, write, expt, close, connect, accepted, refused, thrown, readable, writable };

/// What the actors have in common: one of them is the star, which acts in one hook, once.
struct stage {
  hook where{};
  std::function<void()> act;
  const void* star = nullptr;
  int passes = 0;  // how often the hook is called before
  int alive = 0;  // actors

  /// Acts if it is time to; returns true if it did, and then the actor may be gone.
  bool at(hook here, const void* actor) {
    if (act == nullptr || star != actor || where != here || passes-- > 0) return false;
    const auto now = std::exchange(act, nullptr);
    now();
    return true;
  }
};

/// The hooks that all kinds of actors have, on top of the channel kind `Base`.
template <class Base>
class acting : public Base {
 public:
  template <class Loop>
  acting(Loop& loop, stage& on) : Base(loop), on_(on) {
    ++on_.alive;
  }
  ~acting() { --on_.alive; }

  void log(std::string_view) {}
  void handle_write() {
    wants_write = false;
    at(hook::write);
  }
  void handle_expt() {
    std::byte urgent[1];
    this->loop().system().recv(this->native_handle(), urgent, MSG_OOB);
    at(hook::expt);
  }
  void handle_close() {
    if (!at(hook::close)) this->close();
  }
  void handle_connect() { at(hook::connect); }
  void handle_accepted(asyncore::socket, asyncore::endpoint) { at(hook::accepted); }
  void handle_error() {
    if (!at(hook::refused) && !at(hook::thrown)) this->close();
  }

  bool wants_write = false;

 protected:
  bool at(hook here) { return on_.at(here, this); }

  /// Throws what leads to `hook::thrown`.
  void provoke() {
#if ASYNCORE_HAS_EXCEPTIONS
    if (on_.act != nullptr && on_.star == this && on_.where == hook::thrown)
      throw std::runtime_error("on purpose");
#endif
  }

 private:
  stage& on_;
};

template <class Place>
struct asked_actor;
template <class Place>
struct rearmed_actor;
template <class Place>
struct plain_actor;
template <class Place>
using actor_loop =
    typename Place::template loop<asked_actor<Place>, rearmed_actor<Place>, plain_actor<Place>>;

/// Python's way: handle_read, and predicates asked every turn.
template <class Place>
struct asked_actor : acting<asyncore::dispatcher<asked_actor<Place>, actor_loop<Place>>> {
  using asked_actor::acting::acting;

  void handle_read() {
    this->provoke();
    if (this->at(hook::read)) return;
    std::array<std::byte, 16> buffer;
    if (const auto got = this->recv(buffer)) (void)this->send(std::span(buffer).first(got.bytes()));
  }
  bool readable() {
    this->at(hook::readable);
    return true;
  }
  bool writable() {
    const bool wanted = this->wants_write;  // before the act: this may be gone afterwards
    this->at(hook::writable);
    return wanted;
  }
};

/// handle_data, an out-queue, and predicates asked on rearm.
template <class Place>
struct rearmed_actor
    : acting<asyncore::dispatcher_with_send<rearmed_actor<Place>, actor_loop<Place>>> {
  using rearmed_actor::acting::acting;
  static constexpr auto predicates = asyncore::ask_on_rearm;

  void handle_data(std::span<const std::byte> data) {
    this->provoke();
    this->send(data);
    this->at(hook::read);
  }
  bool readable() {
    this->at(hook::readable);
    return true;
  }
  bool writable() {
    const bool wanted = this->wants_write;
    this->at(hook::writable);
    return wanted;
  }
};

/// handle_data, an out-queue, and nothing to ask: always interested in writing.
template <class Place>
struct plain_actor
    : acting<asyncore::dispatcher_with_send<plain_actor<Place>, actor_loop<Place>>> {
  using plain_actor::acting::acting;

  void handle_data(std::span<const std::byte> data) {
    this->provoke();
    this->send(data);
    this->at(hook::read);
  }
};

}  // namespace test

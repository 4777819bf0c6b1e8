// SPDX-License-Identifier: BSL-1.0
/// What everybody in one simulated run shares.
#pragma once

#include "features.hpp"

#include <asyncore.hpp>
#include <asyncore/sim.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace test::sim {

using asyncore::endpoint;
using asyncore::sim_kernel;
using asyncore::sim_random;

/// A keyed stream that a client sends, and gets back.
struct conversation {
  std::uint64_t key = 0;
  std::uint64_t length = 0;
  std::uint64_t surplus = 0;  // bytes that the client sends behind these, and nobody wants
  bool server_ends = false;   // else the client ends its stream first
  bool spoiled = false;       // somebody has ended it early, or was told that it failed
  bool lingers = false;       // the server waits for the client's end, when it has sent all
  bool aborted = false;       // the server has reset the connection, and sent no end before
  bool drained = false;       // the loop lets all finish, and nobody has a hand in it
  bool finishes = false;      // the server's channel does so
  std::uint64_t owed = 0;     // bytes that the server has sent before
  std::uint64_t given = 0;    // bytes that the server's channel has accepted
  std::uint64_t taken = 0;    // of them, what the kernel has
};

/// A channel under test, as others see it.
class seat {
 public:
  virtual ~seat() = default;
  /// Closes the channel in the middle of what it does.
  virtual void shut() = 0;
  /// The same with a reset, where there is such a thing.
  virtual void cut_off() { shut(); }
  virtual void pause(bool on) = 0;
  /// Has the loop read from it now, in the middle of another one's hook or of its own.
  virtual void read_on() = 0;
};

/// What a run does beside its channels.
class director {
 public:
  /// A hook is called, and anything may happen that harms nobody.
  virtual void cue() = 0;
  /// Makes another client in the loop.
  virtual void spawn() = 0;
  virtual void stop_loop() = 0;

 protected:
  ~director() = default;
};

/// The functions of the channels' own timers.
struct reminder_count {
  int alive = 0;
};

/// Everything that chance decides besides the kernel's faults.
class stage {
 public:
  /// The latest that something happens after its time: pollers round up to milliseconds.
  static constexpr std::chrono::nanoseconds rounding = std::chrono::milliseconds(1);

  stage(sim_kernel& k, std::uint64_t seed, director& d)
      : kernel(k), random(sim_random::mixed(seed + 77)), with(seed), director_(d) {
    conversations.reserve(most_conversations);
    reported.reserve(most_reported);
    owned.reserve(most_conversations);
    seats.reserve(2 * most_conversations);
    mischief = random.chance(32768) ? 0 : 65536u >> random.between(4, 9);
  }

  sim_kernel& kernel;
  sim_random random;
  features with;
  std::vector<conversation> conversations;
  std::vector<seat*> seats;                   // every channel that is open to mischief
  std::vector<std::unique_ptr<seat>> owned;   // of those, the ones the user owns
  std::uint32_t mischief = 0;                 // how often in 65536 hooks
  int to_spawn = 3;
  int clients_left = 0;
  reminder_count reminders;
  bool refuses = false;                       // the listener has closed before its time
  bool lingered = false;                      // somebody has left by close_when_done
  bool draining = false;                      // the loop lets its channels finish
  bool sees_hangups = true;                   // of who waits to send; select does not
  std::vector<int> reported;                  // errors that a hook or a call has told of

  /// How long a server waits for its client's end.
  static constexpr std::chrono::nanoseconds linger = std::chrono::milliseconds(200);

  /// The address that a conversation's client has.
  static endpoint address_of(std::size_t id) {
    return endpoint::ip("127.0.0.1", static_cast<std::uint16_t>(20000 + id));
  }
  conversation& of(const endpoint& from) {
    const auto id = static_cast<std::size_t>(from.port() - 20000);
    if (id < conversations.size()) return conversations[id];
    kernel.object("accepted from an address that nobody has: " + from.to_string());
    return conversations.front();
  }
  static constexpr std::size_t most_conversations = 40;
  static constexpr std::size_t most_reported = 16;
  bool full() const { return conversations.size() == most_conversations; }

  /// One more conversation, of a client that has to finish it.
  std::size_t new_conversation() {
    ++clients_left;
    new_talk();
    return conversations.size() - 1;
  }
  conversation& new_talk() {
    conversation c;
    c.key = random.next();
    c.length = random.chance(8192) ? random.below(100000) : random.below(3000);
    c.server_ends = c.length > 0 && random.chance(16384);
    conversations.push_back(c);
    return conversations.back();
  }

  void enter(seat& s) { seats.push_back(&s); }
  void leave(seat& s) noexcept {
    for (seat*& each : seats)
      if (each == &s) {
        each = seats.back();
        return seats.pop_back();
      }
  }

  /// The loop drains, or ends. With `gently` there is time for everybody to finish, and nobody who
  /// is whole now may lose anything.
  void drains(bool gently) {
    draining = refuses = true;
    for (conversation& c : conversations) {
      c.drained = gently && mischief == 0 && (c.drained || !c.spoiled);
      c.finishes &= c.drained;
      c.spoiled = true;
    }
  }

  /// The number of waits that the loop has begun.
  std::uint64_t waits() const { return kernel.calls_made() - kernel.activity(); }

  /// An error has come to light; without a code it was no system call's.
  void report(std::error_code code) {
    if (reported.size() < reported.capacity()) reported.push_back(code.value());
  }

  /// What the last hook of a channel may do: leave the loop.
  void interrupt() {
    if (mischief != 0 && random.chance(mischief)) throw asyncore::exit_now();
  }

  /// What a hook may do that nobody expects. False when the channel that it is called from may
  /// be gone.
  bool misbehave(seat& self) {
    director_.cue();
    if (with.nests && random.chance(4096)) {
      kernel.trace().remark("reads in a hook");
      seats[random.below(seats.size())]->read_on();
      return false;
    }
    return disturb(&self);
  }
  /// The same in a function that belongs to no channel, and tells none of what fails in it.
  void intermission() {
    try {
      director_.cue();
      if (!seats.empty()) disturb(nullptr);
    } catch (const std::bad_alloc&) {
      report({});
    }
  }

 private:
  bool disturb(seat* self) {
    if (mischief == 0 || !random.chance(mischief)) return true;
    seat& other = *seats[random.below(seats.size())];
    const bool hook = self != nullptr;
    if (!hook) self = &other;
    switch (random.below(with.aborts ? 11 : 9)) {
      case 0:
        self->shut();
        return false;
      case 1:
        other.shut();
        if (random.chance(32768)) spawn();  // takes its descriptor
        return &other != self;
      case 2:
        return destroy_one(*self);
      case 3:
        if (hook) throw std::runtime_error("mischief");
        return true;
      case 4:
        throw asyncore::exit_now();
      case 5:
        director_.stop_loop();
        return true;
      case 6:
        other.pause(true);
        return true;
      case 7:
        other.pause(false);
        return true;
      case 8:
        spawn();
        return true;
      case 9:
        self->cut_off();
        return false;
      default:
        other.cut_off();
        return &other != self;
    }
  }
  void spawn() {
    if (!draining && to_spawn-- > 0) director_.spawn();
  }

  bool destroy_one(seat& self) {
    if (owned.empty()) return true;
    const std::size_t at = random.below(owned.size());
    const std::unique_ptr<seat> gone = std::move(owned[at]);
    owned[at] = std::move(owned.back());
    owned.pop_back();
    return gone.get() != &self;
  }

  director& director_;
};

/// What a hook was given, which does not change before it returns (law 13).
class lent {
 public:
  lent(stage& s, std::span<const std::byte> bytes) : stage_(s), bytes_(bytes) {
    if (s.with.nests) before_ = asyncore::as_text(bytes);
  }
  lent(const lent&) = delete;
  lent& operator=(const lent&) = delete;
  ~lent() {
    if (stage_.with.nests && asyncore::as_text(bytes_) != before_)
      stage_.kernel.object("what a hook was given has changed");
  }

 private:
  stage& stage_;
  std::span<const std::byte> bytes_;
  std::string before_;
};

/// The end of a conversation that the program under test holds.
class speaker {
 public:
  speaker(stage& s, conversation& c, std::string_view name, bool connected)
      : stage_(s), talk_(c), receiver_(c.key), order_(s.kernel, name, connected), name_(name) {}
  ~speaker() {
    if (!done_) talk_.spoiled = true;
  }

  const conversation& talk() const { return talk_; }
  asyncore::hook_order& order() { return order_; }
  std::uint64_t position() const { return receiver_.position(); }
  bool complete() const { return position() >= talk().length; }

  /// Returns what is to be answered: all but the surplus.
  std::span<const std::byte> received(std::span<const std::byte> bytes) {
    order_.on_data();
    const std::uint64_t wanted = complete() ? 0 : talk().length - position();
    if (const std::string wrong = receiver_.take(bytes); !wrong.empty()) object(wrong);
    if (position() > talk().length + talk().surplus) object("more than was sent");
    return bytes.first(std::min(bytes.size(), static_cast<std::size_t>(wanted)));
  }
  /// The stream has ended: nothing of it may be missing, unless somebody had a hand in it.
  void ended(int fd) {
    order_.on_close();
    if (stage_.refuses && position() == 0) return;
    if (!talk().spoiled && !stage_.kernel.disturbed(fd) && !complete())
      object("the tail of " + std::to_string(talk().length - position()) + " bytes is lost");
  }
  bool closed() const { return order_.closed(); }
  /// The last hook: what was accepted has left, or its loss is told.
  void gone(int fd, const asyncore::close_info& info) {
    order_.on_closed(fd);
    if (talk_.taken + info.dropped < talk_.given) object("a loss that is not told");
    if (info.dropped > talk_.given) object("a loss of more than there was");
  }
  /// Has the kernel count what it takes.
  void meter(int fd) {
    if (const asyncore::sim_node* const n = stage_.kernel.at(fd)) n->meter = &talk_.taken;
  }
  bool lost(int fd) { return talk().spoiled || stage_.kernel.disturbed(fd); }
  void spoil() {
    talk_.finishes = false;
    if (!done_) talk_.spoiled = true;
  }
  void done() { done_ = true; }
  /// All is sent that it wants to send; what comes now is dropped until the other side has ended.
  void lingers() { stage_.lingered = talk_.lingers = true; }
  void aborted() { talk_.aborted = true; }
  void drains() { talk_.finishes = talk_.drained; }
  /// So much more of the answer is under way.
  void answered(std::size_t bytes) {
    talk_.given += bytes;
    if (!stage_.draining) talk_.owed += bytes;
  }
  void object(const std::string& what) { stage_.kernel.object(name_ + ": " + what); }

 private:
  stage& stage_;
  conversation& talk_;
  asyncore::keyed_receiver receiver_;
  asyncore::hook_order order_;
  std::string name_;
  bool done_ = false;
};

}  // namespace test::sim

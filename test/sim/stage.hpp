// SPDX-License-Identifier: BSL-1.0
/// What everybody in one simulated run shares.
#pragma once

#include <asyncore.hpp>
#include <asyncore/sim.hpp>

#include <cstdint>
#include <functional>
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
  bool server_ends = false;  // else the client ends its stream first
  bool spoiled = false;      // somebody has ended it early, or was told that it failed
};

/// A channel under test, as others see it.
class seat {
 public:
  virtual ~seat() = default;
  /// Closes the channel in the middle of what it does.
  virtual void shut() = 0;
  virtual void pause(bool on) = 0;
  /// Stops the channel's loop.
  virtual void stop_loop() = 0;
};

/// Everything that chance decides besides the kernel's faults.
class stage {
 public:
  stage(sim_kernel& k, std::uint64_t seed) : kernel(k), random(sim_random::mixed(seed + 77)) {
    conversations.reserve(most_conversations);
    reported.reserve(most_reported);
    owned.reserve(most_conversations);
    seats.reserve(2 * most_conversations);
    mischief = random.chance(32768) ? 0 : 65536u >> random.between(4, 9);
  }

  sim_kernel& kernel;
  sim_random random;
  std::vector<conversation> conversations;
  std::vector<seat*> seats;                   // every channel that is open to mischief
  std::vector<std::unique_ptr<seat>> owned;   // of those, the ones the user owns
  std::function<void()> spawn;                // makes another client in the loop
  std::uint32_t mischief = 0;                 // how often in 65536 hooks
  int to_spawn = 3;
  int clients_left = 0;
  bool refuses = false;                       // the listener was told of an error, and has closed
  std::vector<int> reported;                  // errors that a hook or a call has told of

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
    if (mischief == 0 || !random.chance(mischief)) return true;
    seat& other = *seats[random.below(seats.size())];
    switch (random.below(9)) {
      case 0:
        self.shut();
        return false;
      case 1:
        other.shut();
        if (random.chance(32768) && to_spawn-- > 0) spawn();  // takes its descriptor
        return &other != &self;
      case 2:
        return destroy_one(self);
      case 3:
        throw std::runtime_error("mischief");
      case 4:
        throw asyncore::exit_now();
      case 5:
        self.stop_loop();
        return true;
      case 6:
        other.pause(true);
        return true;
      case 7:
        other.pause(false);
        return true;
      default:
        if (to_spawn-- > 0) spawn();
        return true;
    }
  }

 private:
  bool destroy_one(seat& self) {
    if (owned.empty()) return true;
    const std::size_t at = random.below(owned.size());
    const std::unique_ptr<seat> gone = std::move(owned[at]);
    owned[at] = std::move(owned.back());
    owned.pop_back();
    return gone.get() != &self;
  }
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

  void received(std::span<const std::byte> bytes) {
    order_.on_data();
    if (const std::string wrong = receiver_.take(bytes); !wrong.empty()) object(wrong);
    if (position() > talk().length) object("more than was sent");
  }
  /// The stream has ended: nothing of it may be missing, unless somebody had a hand in it.
  void ended(int fd) {
    order_.on_close();
    if (stage_.refuses && position() == 0) return;
    if (!talk().spoiled && !stage_.kernel.disturbed(fd) && position() != talk().length)
      object("the tail of " + std::to_string(talk().length - position()) + " bytes is lost");
  }
  bool closed() const { return order_.closed(); }
  bool lost(int fd) { return talk().spoiled || stage_.kernel.disturbed(fd); }
  void spoil() {
    if (!done_) talk_.spoiled = true;
  }
  void done() { done_ = true; }

 private:
  void object(const std::string& what) { stage_.kernel.object(name_ + ": " + what); }

  stage& stage_;
  conversation& talk_;
  asyncore::keyed_receiver receiver_;
  asyncore::hook_order order_;
  std::string name_;
  bool done_ = false;
};

}  // namespace test::sim

// SPDX-License-Identifier: BSL-1.0
/// The clients of the simulation, which are not channels.
#pragma once

#include "stage.hpp"

namespace test::sim {

class client final : public asyncore::sim_peer {
 public:
  client(stage& s, std::size_t id)
      : sim_peer(s.kernel), stage_(s), id_(id), stream_(talk().key), receiver_(talk().key) {
    rude_after_ = s.mischief != 0 && s.random.chance(16384) ? s.random.below(talk().length + 1)
                                                            : no_limit;
    eager_ = s.random.chance(16384);
    leaves_ = s.random.chance(8192);
    clings_ = s.with.leaving && s.random.chance(8192);
    if (s.with.leaving && talk().server_ends && s.random.chance(32768))
      talk().surplus = s.random.between(1, 3000);
    hangs_ = s.with.hangs && s.mischief != 0 && s.random.chance(32768);
  }

  void start(const endpoint& server) {
    connect(server, stage::address_of(id_));
    hangs_ &= server.family() == AF_UNIX;  // over TCP it is a half-close
    if (!hangs_) return;
    pause();
    kernel().after(std::chrono::microseconds(stage_.random.below(30000)), [this] { hang(); });
  }

  void ready() override {
    sim_peer::ready();
    if (finished_) return;
    if (hung_) return;
    if (ended() && error() == 0) saw_end_ = true;
    if (!open() || error() != 0 || (ended() && !clings())) return finish();
    if (connected()) act();
  }

  /// Nothing may be missing, unless somebody had a hand in it.
  void judge() {
    if (!finished_) object("has not been served");
    if (disturbed() || leaves_) return;
    if (talk().aborted && saw_end_) object("an abort that looks like an end");
    if (talk().finishes && error() != 0) object("an error while the server drains");
    if (talk().finishes && receiver_.position() < talk().owed) object("a drain has lost something");
    if (talk().spoiled) return;
    if (error() == ECONNREFUSED || error() == ETIMEDOUT) return;  // the listener was gone, or full
    if (stage_.refuses && receiver_.position() == 0) return;
    if (error() != 0 && !clung_) return object("an error: " + std::to_string(error()));
    if (receiver_.position() != talk().length) object("the tail of the answer is lost");
  }
  bool finished() const { return finished_; }

 private:
  static constexpr std::uint64_t no_limit = ~std::uint64_t{0};

  conversation& talk() { return stage_.conversations[id_]; }
  void object(const std::string& what) {
    kernel().object("client " + std::to_string(id_) + " (" +
                    std::to_string(receiver_.position()) + " of " +
                    std::to_string(talk().length) + " bytes): " + what);
  }

  void take(std::span<const std::byte> bytes) override {
    if (const std::string wrong = receiver_.take(bytes); !wrong.empty()) object(wrong);
  }

  void act() {
    if (sent_ >= rude_after_) return be_rude();
    if (unsent() > 0 || waiting_) return;
    const std::uint64_t length = talk().length + talk().surplus;
    if (sent_ == length) {
      if (leaves_) return finish();
      if ((!talk().server_ends || eager_) && !std::exchange(ending_, true)) shutdown();
      return;
    }
    if (!hangs_ && stage_.random.chance(8192)) return rest();
    const std::uint64_t left = length - sent_;
    const std::uint64_t most = left < 2000 ? left : 2000;
    const auto count = static_cast<std::size_t>(stage_.random.between(1, most));
    send(stream_.bytes(sent_, count));
    sent_ += count;
  }

  /// Stays when the server has ended its stream, who waits for that, but not for ever.
  bool clings() {
    if (!clings_ || ending_ || !talk().lingers) return false;
    if (std::exchange(clung_, true)) return true;
    kernel().after(stage::linger / 2, [this] {
      if (!finished_ && !served() && !hurt()) object("the server does not wait for it");
    });
    kernel().after(stage::linger * 3, [this] {
      if (finished_) return;
      if (served() && !hurt()) object("the server waits for too long");
      finish();
    });
    return true;
  }
  bool served() { return node() != nullptr && kernel().find_open(node()->peer) != nullptr; }
  bool hurt() { return talk().spoiled || disturbed() || (node() != nullptr && node()->disturbed); }

  /// Takes no more and sends no more, with its socket open: the server has to see that.
  void hang() {
    if (finished_) return;
    if (!connected()) return resume();
    talk().spoiled = true;
    talk().finishes = false;
    hung_ = true;
    hang_up();
    wait_for_server(20);
  }
  void wait_for_server(int left) {
    kernel().after(std::chrono::milliseconds(100), [this, left] {
      if (finished_) return;
      if (!served()) return finish();
      if (stage_.mischief != 0) return wait_for_server(left);
      if (left > 0) return wait_for_server(left - 1);
      if (stage_.sees_hangups) object("the server does not see that it has gone");
      finish();
    });
  }

  /// Does nothing for a while, and may not read either.
  void rest() {
    waiting_ = true;
    if (stage_.random.chance(16384)) pause();
    kernel().after(std::chrono::microseconds(stage_.random.below(20000)), [this] {
      waiting_ = false;
      resume();
    });
  }

  void be_rude() {
    talk().spoiled = true;
    talk().finishes = false;
    if (stage_.random.chance(32768)) {
      close();
    } else {
      reset();
    }
    finish();
  }

  void finish() {
    finished_ = true;
    --stage_.clients_left;
    close();
  }

  stage& stage_;
  std::size_t id_;
  asyncore::keyed_stream stream_;
  asyncore::keyed_receiver receiver_;
  std::uint64_t sent_ = 0;
  std::uint64_t rude_after_;
  bool eager_ = false;   // ends its stream although it need not
  bool leaves_ = false;  // waits for no more of the answer; yet all that it sent must arrive
  bool clings_ = false;  // does not end when the server has
  bool clung_ = false;
  bool saw_end_ = false;
  bool ending_ = false, waiting_ = false, finished_ = false;
  bool hangs_ = false, hung_ = false;  // ends by a hangup, and has done so
};

}  // namespace test::sim

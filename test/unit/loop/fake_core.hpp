// SPDX-License-Identifier: BSL-1.0
/// What the parts of a loop ask of it and of their channels, for tests without a loop.
#pragma once

#include <asyncore/loop/channel_operations.hpp>
#include <asyncore/loop/dispatch.hpp>
#include <asyncore/loop/hook_errors.hpp>
#include <asyncore/loop/interest_pass.hpp>
#include <asyncore/loop/registry.hpp>
#include <asyncore/map/hash_map.hpp>
#include <asyncore/sys/posix_system.hpp>
#include <asyncore/word/wake_time.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace test {

namespace op = asyncore::detail::op;
using asyncore::interest;
using asyncore::readiness;
using asyncore::token;

/// A channel that notes which operations are performed on it, and answers as it is told.
struct probe : asyncore::registration<const asyncore::detail::operations*> {
  explicit probe(int fd, std::string& notes) : registration(nullptr), log(notes) {
    set_descriptor(fd);
  }
  ~probe() { unlink(); }

  void note(std::string_view what) { log += std::to_string(id().fd) + std::string(what) + ' '; }

  std::string& log;
  interest wanted = interest::read;
  asyncore::predicate_mode mode = asyncore::predicate_mode::every_turn;
  bool unread = false, connectionless = false;
  std::function<void(std::string_view)> then;  // called by each operation with its name
};

/// Stands for a channel_set.
struct probes {
  using record = asyncore::hash_map<>::record;

  template <class Op>
  static auto perform(record& r) {
    auto& p = static_cast<probe&>(r);
    if constexpr (std::is_same_v<Op, op::mode>) {
      return p.mode;
    } else if constexpr (std::is_same_v<Op, op::has_unread>) {
      return p.unread;
    } else if constexpr (std::is_same_v<Op, op::is_connectionless>) {
      return p.connectionless;
    } else if constexpr (std::is_same_v<Op, op::name>) {
      return std::string_view("probe");
    } else {
      const interest wanted = p.wanted;
      const auto then = p.then;
      p.note(name_of<Op>());
      if (then) then(name_of<Op>());
      if constexpr (std::is_same_v<Op, op::before_wait> || std::is_same_v<Op, op::ask>)
        return wanted;
    }
  }
  template <asyncore::predicate_mode>
  static consteval bool any_asked() {
    return true;
  }

 private:
  template <class Op>
  static constexpr std::string_view name_of() {
    if constexpr (std::is_same_v<Op, op::read>) return "read";
    if constexpr (std::is_same_v<Op, op::write>) return "write";
    if constexpr (std::is_same_v<Op, op::expt>) return "expt";
    if constexpr (std::is_same_v<Op, op::hangup>) return "hangup";
    if constexpr (std::is_same_v<Op, op::before_wait>) return "visit";
    if constexpr (std::is_same_v<Op, op::ask>) return "ask";
    if constexpr (std::is_same_v<Op, op::error>) return "error";
    if constexpr (std::is_same_v<Op, op::give_up>) return "give_up";
    if constexpr (std::is_same_v<Op, op::last_hook>) return "last";
    if constexpr (std::is_same_v<Op, op::destroy>) return "destroy";
    return "?";
  }
};

/// Notes what it is told: "+5r" adds descriptor 5 for reading, "~" modifies, "-" removes.
struct noting_poller {
  static constexpr std::string_view name = "noting";
  static constexpr bool changes_cost = true;

  std::error_code add(token t, interest i) { return tell('+', t, i); }
  std::error_code modify(token t, interest i) { return tell('~', t, i); }
  void remove(token t) noexcept { notes += '-' + std::to_string(t.fd) + ' '; }

  std::error_code tell(char what, token t, interest i) {
    notes += what + std::to_string(t.fd) + (any(i, interest::read) ? "r" : "") +
             (any(i, interest::write) ? "w" : "") + ' ';
    return std::exchange(refusal, {});
  }
  std::string notes;
  std::error_code refusal;
};

struct fake_core {
  using poller_type = noting_poller;
  using registry_type = asyncore::detail::registry<asyncore::hash_map<>, probes>;

  noting_poller& poller() { return poller_; }
  registry_type& registry() { return registry_; }
  asyncore::detail::interest_pass<fake_core, probes>& interests() { return interests_; }
  asyncore::detail::hook_errors<fake_core, probes>& errors() { return errors_; }
  asyncore::posix_system system() { return {}; }
  probes::record* find(token t) const { return registry_.find(t); }
  std::size_t size() const { return registry_.size(); }
  bool empty() const { return size() == 0; }
  void ask_again() { interests_.ask_again(); }
  bool in_turn() const { return turning; }
  bool stops() const { return stopping; }
  bool idle() const { return empty(); }
  bool elsewhere() const { return false; }
  void wake_by(asyncore::wake_time when) { wake = when; }
  void decline() { ++declined; }
  void answer_bell() { ++bells; }

  void add(probe& p, bool every_turn = false) {
    registry_.enter(p, every_turn);
    interests_.enter(p);
  }
  /// Every channel is as the poller knows it.
  std::string settle() {
    interests_.update(*this);
    return std::exchange(poller_.notes, {});
  }

  noting_poller poller_;
  registry_type registry_;
  asyncore::detail::interest_pass<fake_core, probes> interests_;
  asyncore::detail::hook_errors<fake_core, probes> errors_;
  bool turning = false, stopping = false;
  int declined = 0, bells = 0;
  asyncore::wake_time wake = asyncore::wake_time::never();
};

}  // namespace test

// SPDX-License-Identifier: BSL-1.0
/// The channels of a loop: who is in the map, who has left it, and who is to be destroyed.
#ifndef ASYNCORE_LOOP_REGISTRY_HPP
#define ASYNCORE_LOOP_REGISTRY_HPP

#include <asyncore/concept/registration.hpp>
#include <asyncore/loop/channel_operations.hpp>
#include <asyncore/word/config.hpp>
#include <asyncore/word/list_node.hpp>
#include <asyncore/word/run_holds.hpp>
#include <asyncore/word/token.hpp>

#include <cstddef>
#include <cstdint>

namespace asyncore::detail {

/// `Channels`: the `channel_set` of the map's types.
template <class Map, class Channels>
class registry {
 public:
  using record = typename Map::record;

  /// The channel of a token that may be that of none; a map is asked only for those that it had.
  record* find(token id) const noexcept { return id.generation != 0 ? map_.find(id) : nullptr; }
  /// The channel of a token that was in the map once, null when it has left.
  record* at(token id) const noexcept { return map_.find(id); }

  Map& map() noexcept { return map_; }
  const Map& map() const noexcept { return map_; }
  std::size_t size() const noexcept { return map_.size(); }
  run_holds& holds() noexcept { return holds_; }
  const run_holds& holds() const noexcept { return holds_; }

  /// A number that no token of the last four thousand million has.
  std::uint32_t next_generation() noexcept {
    if (++last_generation_ == 0) ++last_generation_;
    return last_generation_;
  }

  /// Enters `r` under its descriptor, for which there is room. Throws bad_alloc.
  void enter(record& r, bool every_turn) {
    const token id{r.id_.fd, next_generation()};
    map_.insert(id, r);
    r.id_ = id;
    r.armed_ = interest::none;
    if (r.closed_) r.reason_ = r.counts_loss_ = 0;
    r.polled_ = r.paused_ = r.hung_up_ = r.closed_ = false;
    r.every_turn_ = every_turn;
    holds_.add_unref(r.unref_);
  }

  /// Takes `r` out of the map; the poller does not watch it any more.
  void leave(record& r) noexcept {
    map_.erase(r.id_);
    holds_.remove_unref(r.unref_);
    r.id_.generation = 0;
    r.link_before(idle_);
  }

  /// `r` has left the map for good. `told`: its class has a last hook, which it is to hear.
  void close(record& r, bool told) noexcept {
    r.closed_ = true;
    if (r.owned_ || told) {
      r.link_before(closed_);
    } else {
      r.unlink();
    }
  }

  /// The loop destroys `r` when it has closed.
  void own(record& r) noexcept {
    r.owned_ = true;
    if (r.closed_) {
      r.link_before(closed_);
    } else if (!r.registered()) {
      r.link_before(idle_);
    }
  }

  bool any_closed() const noexcept { return !closed_.unlinked(); }
  bool any_left() const noexcept { return size() != 0 || !idle_.unlinked() || any_closed(); }
  /// Those that left without closing, and owned ones that were never in the map.
  list_node& idle() noexcept { return idle_; }

  /// Calls the last hooks of the channels that closed, and destroys the owned ones. What closes
  /// meanwhile has its turn, too, but not without end: false, some are left.
  ASYNCORE_NOINLINE bool reap() noexcept {
    constexpr int most_rounds = 8;
    for (int round = 0; !closed_.unlinked(); ++round) {
      if (round == most_rounds) return false;
      list_node closed;
      closed.take(closed_);
      while (!closed.unlinked()) end(static_cast<record&>(*closed.front()));
    }
    return true;
  }

 private:
  static void end(record& r) noexcept {
    const bool owned = r.owned_;
    r.unlink();
    Channels::template perform<op::last_hook>(r);
    // One that the loop does not own may be gone; an owned one may be open again.
    if (owned && r.closed_ && r.unlinked()) Channels::template perform<op::destroy>(r);
  }

  Map map_;
  list_node closed_;  // to be told of their end, or owned, to be destroyed
  list_node idle_;
  run_holds holds_;
  std::uint32_t last_generation_ = 0;
};

}  // namespace asyncore::detail

#endif

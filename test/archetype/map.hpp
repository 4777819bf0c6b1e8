// SPDX-License-Identifier: BSL-1.0
/// The least that a channel map is, for whoever writes one.
#pragma once

#include <asyncore/concept/channel_list.hpp>
#include <asyncore/concept/channel_map.hpp>

#include <vector>

namespace archetype {

/// Keeps its records in a row and looks through all of them, which a map for use must not. A map of
/// one's own is a class with these members, given to a loop as in
/// `asyncore::basic_loop<asyncore::poll_poller, archetype::map<>>`. concept/channel_map.hpp says
/// what each member promises.
template <class... Channels>
class map {
 public:
  /// The types that it may hold: the set does the dispatching, the map need not know how.
  using channels = asyncore::channel_list<Channels...>;

  /// What it holds. Records are the loop's and the channels': a map only points to them.
  using record = typename channels::record;

  map() = default;
  map(const map&) = delete;
  map& operator=(const map&) = delete;

  /// Why there is no room for one more, for `fd`. A descriptor is in the map once.
  std::error_code room_for(int fd) const noexcept {
    for (const entry& e : entries_)
      if (e.id.fd == fd) return {EEXIST, std::system_category()};
    return {};
  }

  /// Called only after `room_for(t.fd)` said yes. What it throws leaves the map as it was.
  void insert(asyncore::token t, record& r) { entries_.push_back({t, &r}); }

  /// `t` is in the map.
  void erase(asyncore::token t) noexcept {
    for (entry& e : entries_) {
      if (e.id != t) continue;
      e = entries_.back();
      entries_.pop_back();
      return;
    }
  }

  /// Null when the descriptor is held by another generation now, or by none: on this rests that
  /// nobody is told of what happened to a descriptor before it was reused (law 1).
  record* find(asyncore::token t) const noexcept {
    for (const entry& e : entries_)
      if (e.id == t) return e.channel;
    return nullptr;
  }

  std::size_t size() const noexcept { return entries_.size(); }

  /// In any order. What `f` does does not change the map.
  template <class F>
  void for_each(F&& f) {
    for (const entry& e : entries_) f(*e.channel);
  }

 private:
  struct entry {
    asyncore::token id;
    record* channel;
  };
  std::vector<entry> entries_;
};

static_assert(asyncore::channel_map<map<>>);

}  // namespace archetype

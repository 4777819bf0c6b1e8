// SPDX-License-Identifier: BSL-1.0
/// A map for sparse descriptors.
#ifndef ASYNCORE_MAP_HASH_MAP_HPP
#define ASYNCORE_MAP_HASH_MAP_HPP

#include <asyncore/concept/channel_list.hpp>
#include <asyncore/concept/channel_map.hpp>
#include <asyncore/map/probing_table.hpp>

#include <cerrno>
#include <system_error>

namespace asyncore {

/// Channels in a hash table: memory goes with the number of channels, not with the highest
/// descriptor. `Channels...`: the closed set of channel types, or nothing for an open one.
template <class... Channels>
class hash_map {
 public:
  using channels = channel_list<Channels...>;
  using record = typename channels::record;

  std::error_code room_for(int fd) const noexcept {
    return table_.holds(fd) ? std::error_code(EEXIST, std::system_category())
                            : std::error_code();
  }
  void insert(token t, record& r) {
    if (table_.size() == table_.capacity()) table_.grow();
    table_.insert(t, r);
  }
  void erase(token t) noexcept { table_.erase(t); }
  record* find(token t) const noexcept { return table_.find(t); }
  [[gnu::always_inline]] void fetch(token t) const noexcept {
    if (const record* const r = table_.find(t)) r->fetch();
  }
  std::size_t size() const noexcept { return table_.size(); }

  template <class F>
  void for_each(F&& f) {
    table_.for_each([&](record& r, token) { f(r); });
  }

 private:
  detail::probing_table<record> table_{16};
};

static_assert(channel_map<hash_map<>>);

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// A map that never allocates after its construction.
#ifndef ASYNCORE_MAP_FIXED_FD_TABLE_HPP
#define ASYNCORE_MAP_FIXED_FD_TABLE_HPP

#include <asyncore/concept/channel_list.hpp>
#include <asyncore/concept/channel_map.hpp>
#include <asyncore/map/probing_table.hpp>

#include <cerrno>
#include <system_error>

namespace asyncore {

/// At most `N` channels, whatever the numbers of their descriptors: room for them is made once, at
/// construction, and the N+1st is refused with `std::errc::no_buffer_space`. `Channels...`: the
/// closed set of channel types, or nothing for an open one.
template <std::size_t N, class... Channels>
class fixed_fd_table {
  static_assert(N > 0, "asyncore: fixed_fd_table<N> needs room for at least one channel");

 public:
  using channels = channel_list<Channels...>;
  using record = typename channels::record;

  std::error_code room_for(int fd) const noexcept {
    if (table_.size() == N) return std::make_error_code(std::errc::no_buffer_space);
    return table_.holds(fd) ? std::error_code(EEXIST, std::system_category())
                            : std::error_code();
  }
  void insert(token t, record& r) noexcept { table_.insert(t, r); }
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
  detail::probing_table<record> table_{N};
};

static_assert(channel_map<fixed_fd_table<1>>);

}  // namespace asyncore

#endif

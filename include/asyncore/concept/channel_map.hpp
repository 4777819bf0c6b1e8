// SPDX-License-Identifier: BSL-1.0
/// What a loop needs of a channel map.
#ifndef ASYNCORE_CONCEPT_CHANNEL_MAP_HPP
#define ASYNCORE_CONCEPT_CHANNEL_MAP_HPP

#include <asyncore/concept/registration.hpp>
#include <asyncore/word/token.hpp>

#include <concepts>
#include <cstddef>
#include <system_error>

namespace asyncore {

namespace detail {
/// The shape of the function that `for_each` calls.
template <class Record>
struct any_visitor {
  void operator()(Record&) const;
};
}  // namespace detail

/// With `m` a map, `c` constant, `r` a record, `t` a token:
///
/// | expression      | returns     | meaning                                                     |
/// |-----------------|-------------|-------------------------------------------------------------|
/// | `M::channels`   | channel_list| the types that the map may hold, closed or open             |
/// | `M::record`     | registration| what it holds                                               |
/// | `c.room_for(fd)`| error_code  | why `insert` would refuse a channel for `fd`; success if it would not |
/// | `m.insert(t, r)`| void        | `r` is found under `t` from now on; `room_for(t.fd)` said yes; may throw bad_alloc, and then nothing has changed |
/// | `m.erase(t)`    | noexcept    | `t`, which is in the map, is found no more                  |
/// | `c.find(t)`     | Record*     | the record of exactly this token (fd and generation), else null; in constant time; `t` was in the map once |
/// | `c.size()`      | size_t      | the number of records                                       |
/// | `m.for_each(f)` |             | calls `f(record)` for each; `f` does not change the map     |
///
/// A map whose `find` relies on `t` having been in it once offers `m.cover(fd)`: afterwards tokens
/// of that descriptor may be looked for, too. May throw bad_alloc. One that is worth it offers
/// `c.fetch(t)`, noexcept: `find(t)` will soon be called, and its record used; `t` was in the map
/// once.
template <class M>
concept channel_map = requires(M& m, const M& c, typename M::record& r, token t,
                               detail::any_visitor<typename M::record> f) {
  typename M::channels;
  { c.room_for(t.fd) } -> std::same_as<std::error_code>;
  m.insert(t, r);
  { m.erase(t) } noexcept;
  { c.find(t) } -> std::same_as<typename M::record*>;
  { c.size() } -> std::convertible_to<std::size_t>;
  m.for_each(f);
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// Says which requirement of a concept a type does not meet.
#ifndef ASYNCORE_CONCEPT_CHECK_HPP
#define ASYNCORE_CONCEPT_CHECK_HPP

#include <asyncore/concept/channel_map.hpp>
#include <asyncore/concept/poller.hpp>

namespace asyncore::detail {

/// True for a poller; otherwise stops the compilation at the first thing that is missing.
template <class P>
constexpr bool check_poller() {
  static_assert(requires { typename P::system; },
                "asyncore: the Poller names no system calls: add `using system = posix_system;`");
  static_assert(requires { std::string_view(P::name); },
                "asyncore: the Poller has no name: add `static constexpr std::string_view name`");
  static_assert(requires(P& p, token t, interest i) {
    { p.add(t, i) } -> std::same_as<std::error_code>;
  }, "asyncore: the Poller has no `std::error_code add(token, interest)`");
  static_assert(requires(P& p, token t, interest i) {
    { p.modify(t, i) } -> std::same_as<std::error_code>;
  }, "asyncore: the Poller has no `std::error_code modify(token, interest)`");
  static_assert(requires(P& p, token t) {
    { p.remove(t) } noexcept;
  }, "asyncore: the Poller has no `void remove(token) noexcept`");
  static_assert(requires(P& p, timeout_type timeout, any_sink sink) {
    { p.wait(timeout, sink) } -> std::same_as<int>;
  }, "asyncore: the Poller has no `int wait(timeout_type, sink)`, a template that calls "
     "sink(token, readiness) and returns how often it did");
  return true;
}

/// True for a channel map; otherwise stops the compilation.
template <class M>
constexpr bool check_channel_map() {
  static_assert(channel_map<M>,
                "asyncore: the Map is not a channel map such as fd_table<>: see what "
                "concept/channel_map.hpp asks for");
  return true;
}

}  // namespace asyncore::detail

#endif

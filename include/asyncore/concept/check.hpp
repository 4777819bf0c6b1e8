// SPDX-License-Identifier: BSL-1.0
/// Says what is wrong with a poller, a map or a channel that a loop is given.
#ifndef ASYNCORE_CONCEPT_CHECK_HPP
#define ASYNCORE_CONCEPT_CHECK_HPP

#include <asyncore/concept/channel_map.hpp>
#include <asyncore/concept/fwd.hpp>
#include <asyncore/concept/poller.hpp>
#include <asyncore/concept/system.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace asyncore::detail {

/// True for a poller; otherwise stops the compilation at the first thing that is missing.
template <class P>
consteval bool check_poller() {
  static_assert(requires { sizeof(P); },
                "asyncore: the loop's Poller is only declared: include its header, or "
                "<asyncore/default_loop.hpp> for the default loop");
  static_assert(requires { typename P::system; },
                "asyncore: the Poller names no system calls: add `using system = posix_system;`");
  static_assert(system_calls<typename P::system>,
                "asyncore: the Poller's system lacks one of the calls that "
                "concept/system.hpp lists");
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

/// True for a channel map; otherwise stops the compilation at the first thing that is missing.
template <class M>
consteval bool check_channel_map() {
  static_assert(requires { sizeof(M); },
                "asyncore: the loop's Map is only declared: include its header, or "
                "<asyncore/default_loop.hpp> for the default loop");
  static_assert(requires { typename M::channels; typename M::record; },
                "asyncore: the Map is not a channel map such as fd_table<>: it names no `channels` "
                "and no `record` (see concept/channel_map.hpp)");
  static_assert(requires(const M& c, int fd) {
    { c.room_for(fd) } -> std::same_as<std::error_code>;
  }, "asyncore: the Map has no `std::error_code room_for(int fd) const`");
  static_assert(requires(M& m, token t, typename M::record& r) { m.insert(t, r); },
                "asyncore: the Map has no `void insert(token, record&)`");
  static_assert(requires(M& m, token t) {
    { m.erase(t) } noexcept;
  }, "asyncore: the Map has no `void erase(token) noexcept`");
  static_assert(requires(const M& c, token t) {
    { c.find(t) } -> std::same_as<typename M::record*>;
  }, "asyncore: the Map has no `record* find(token) const`");
  static_assert(requires(const M& c) {
    { c.size() } -> std::convertible_to<std::size_t>;
  }, "asyncore: the Map has no `std::size_t size() const`");
  static_assert(requires(M& m, any_visitor<typename M::record> f) { m.for_each(f); },
                "asyncore: the Map has no `for_each(f)`, a template that calls f(record) for each");
  return true;
}

template <class T>
struct named_class {
  using type = T;
};
template <class Derived, class Loop>
named_class<Derived> class_named_by(const channel<Derived, Loop>*);

/// True for a class whose base, a channel's class, deletes it by a virtual destructor.
template <class Channel>
concept deleted_by_base = std::has_virtual_destructor_v<Channel> && requires(Channel* c) {
  requires std::is_base_of_v<typename decltype(class_named_by(c))::type, Channel>;
};

/// True when `Loop` can own a `Channel`; otherwise stops the compilation at the first thing that
/// is wrong.
template <class Channel, class Loop>
consteval bool check_owned() {
  using kind = channel<Channel, Loop>;
  static_assert(!std::is_base_of_v<kind, Channel> || std::is_convertible_v<Channel*, kind*>,
                "asyncore: derive publicly from the channel kind");
  static_assert(std::is_base_of_v<kind, Channel> || requires { typename Channel::loop_type; },
                "asyncore: what is emplaced is no channel: derive it publicly from a channel kind, "
                "as in `struct server : asyncore::dispatcher<server>`");
  if constexpr (!std::is_base_of_v<kind, Channel>) {
    static_assert(std::is_same_v<typename Channel::loop_type, Loop>,
                  "asyncore: this channel is of another loop: name this loop's type as the second "
                  "template argument of its base");
    static_assert(!std::is_same_v<typename Channel::loop_type, Loop> || deleted_by_base<Channel>,
                  "asyncore: pass the class itself as the first template argument of its base, as "
                  "in `struct server : asyncore::dispatcher<server>`; a class derived from that "
                  "one needs it to have a virtual destructor, and virtual hooks");
  }
  return true;
}

/// True when `Loop` can make a `Channel` of `Args...`; otherwise stops the compilation, unless
/// `check_owned` does.
template <class Channel, class Loop, class... Args>
consteval bool check_emplaced() {
  if constexpr (std::is_convertible_v<Channel*, typename Loop::record*>) {
    constexpr bool made = std::is_constructible_v<Channel, Loop&, Args...>;
    constexpr bool when_moved = std::is_constructible_v<Channel, Loop&, std::remove_cvref_t<Args>...>;
    static_assert(made || !when_moved,
                  "asyncore: an argument cannot be copied into the channel's constructor: move it, "
                  "as in `emplace<session>(std::move(peer))`");
    static_assert(made || when_moved,
                  "asyncore: the channel has no public constructor that takes the loop and these "
                  "arguments: inherit its base's, as in `using dispatcher::dispatcher;`, or write "
                  "one");
    return made;
  } else {
    return false;
  }
}

}  // namespace asyncore::detail

#endif

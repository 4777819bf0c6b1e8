// SPDX-License-Identifier: BSL-1.0
/// The pollers there are, and the loop of programs that do not care.
#ifndef ASYNCORE_DEFAULT_LOOP_HPP
#define ASYNCORE_DEFAULT_LOOP_HPP

#include <asyncore/loop.hpp>
#include <asyncore/map/fd_table.hpp>
#include <asyncore/map/fixed_fd_table.hpp>
#include <asyncore/map/hash_map.hpp>
#include <asyncore/poller/epoll.hpp>
#include <asyncore/poller/poll.hpp>
#include <asyncore/poller/select.hpp>

#include <boost/hana/for_each.hpp>
#include <boost/hana/front.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace asyncore {

/// The pollers of this system, best first: from this list come the default, `with_poller`, the
/// tests and the benchmarks.
inline constexpr auto pollers = boost::hana::tuple_t<
#if ASYNCORE_HAS_EPOLL
    epoll_poller,
#endif
    poll_poller, select_poller>;

static_assert(std::is_same_v<default_poller,
                             std::remove_cvref_t<decltype(boost::hana::front(pollers))>::type>);

// Templates, so that a program which does not use the default loop does not compile it.

template <class Loop>
Loop& this_thread_loop() {
  thread_local Loop loop;
  [[maybe_unused]] thread_local const detail::end_of_thread<ASYNCORE_DEBUG != 0> behind_it;
  return loop;
}

/// Python's `asyncore.loop`: `this_thread_loop().run(options)`.
template <class Loop = default_loop>
void loop(run_options options = {}) {
  this_thread_loop<Loop>().run(options);
}

/// Python's `asyncore.poll`: `this_thread_loop().poll(timeout)`.
template <class Loop = default_loop>
void poll(timeout_type timeout = std::chrono::nanoseconds(0)) {
  this_thread_loop<Loop>().poll(timeout);
}

/// Python's `asyncore.close_all`: `this_thread_loop().close_all(ignore_errors)`.
template <class Loop = default_loop>
void close_all(bool ignore_errors = false) {
  this_thread_loop<Loop>().close_all(ignore_errors);
}

/// The names that `with_poller` knows, as in "epoll, poll, select, best".
template <class Pollers = decltype(pollers)>
std::string poller_names() {
  std::string names;
  boost::hana::for_each(Pollers{}, [&](auto p) {
    names += std::string(decltype(p)::type::name) + ", ";
  });
  return names + "best";
}

/// Calls `f(hana::type<Poller>)` for the poller of this name, so that what is inside is static:
/// `with_poller(name, [](auto p) { using poller = typename decltype(p)::type; ... })`.
/// "best" is the first of the list. Returns what `f` returns, which is the same type for all.
/// Throws `std::invalid_argument`, which lists the known names, for another one.
template <class F>
auto with_poller(std::string_view name, F&& f) {
  using result = decltype(f(boost::hana::type_c<default_poller>));
  result (*chosen)(F&) = nullptr;
  boost::hana::for_each(pollers, [&](auto p) {
    if (chosen == nullptr && (name == decltype(p)::type::name || name == "best"))
      chosen = [](F& call) -> result { return call(decltype(p){}); };
  });
  if (chosen == nullptr) {
    const std::string message =
        detail::joined({"unknown poller '", name, "'; known are ", poller_names()});
#if ASYNCORE_HAS_EXCEPTIONS
    throw std::invalid_argument(message);
#else
    detail::throw_error(std::make_error_code(std::errc::invalid_argument), message);
#endif
  }
  return chosen(f);
}

}  // namespace asyncore

#endif

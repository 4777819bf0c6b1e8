// SPDX-License-Identifier: BSL-1.0
/// What a loop needs of a poller.
#ifndef ASYNCORE_CONCEPT_POLLER_HPP
#define ASYNCORE_CONCEPT_POLLER_HPP

#include <asyncore/word/interest.hpp>
#include <asyncore/word/timeout.hpp>
#include <asyncore/word/token.hpp>

#include <concepts>
#include <string_view>
#include <system_error>

namespace asyncore {

namespace detail {
/// The shape of the function that `wait` reports to.
struct any_sink {
  void operator()(token, readiness) const;
};
}  // namespace detail

/// With `p` a poller, `t` a token and `i` an interest:
///
/// | expression           | returns      | meaning                                              |
/// |----------------------|--------------|------------------------------------------------------|
/// | `P::system`          | a system     | the calls that channels use under this poller        |
/// | `P::name`            | string_view  | what `with_poller` calls it                          |
/// | `p.add(t, i)`        | error_code   | starts to watch `t.fd`, which is not watched yet, for `i` (which may be `none`); on an error nothing is watched |
/// | `p.modify(t, i)`     | error_code   | watches `t.fd`, which is watched, for `i` from now on |
/// | `p.remove(t)`        | noexcept     | forgets `t.fd`, before it is closed; may be called from the sink |
/// | `p.wait(timeout, s)` | int          | waits, then calls `s(token, readiness)` for what is ready; returns the number of calls, or a negative errno (-EINTR when a signal ended the wait) |
///
/// The sink is small and copyable; taken by value it stays in registers. `wait` waits no longer
/// than until something is ready, and not shorter than the timeout, which it rounds up. A poller
/// may report readiness that has passed (a spurious wake-up), and `error` and `hangup` unasked; it
/// reports nothing else that was not asked for, at most once for one token in a wait, and always
/// the token of the last `add` or `modify`. The sink may call `add`, `modify` and `remove`; what it
/// removes may still be reported in the same wait, because the loop checks the generation. What the
/// sink throws passes through.
///
/// A poller whose system has state offers `p.get_system()`, which returns it; one that is itself
/// a descriptor offers `p.native_handle()`; one that cannot watch every descriptor says so by
/// `P::fd_limit`, the first that it refuses. One of which a change costs more than a report that
/// nobody wanted says `P::changes_cost`: then the loop tells it that a channel has stopped reading
/// only when there is something to be read. One that reports an error as something to read says
/// `P::hides_errors`. One that can wake one of several pollers for the same
/// descriptor offers `p.add_exclusive(t, i)`, which is `add` for those.
///
/// A poller that knows what it will report next may say so to a sink that has `s.looks_ahead()` and
/// `s.expect(t)`: while the former is true it may call the latter, once for each of up to some
/// dozens of the next tokens, before it reports the first of them. The loop then has their channels
/// fetched into the cache.
template <class P>
concept poller = requires(P& p, token t, interest i, timeout_type timeout, detail::any_sink sink) {
  typename P::system;
  { P::name } -> std::convertible_to<std::string_view>;
  { p.add(t, i) } -> std::same_as<std::error_code>;
  { p.modify(t, i) } -> std::same_as<std::error_code>;
  { p.remove(t) } noexcept;
  { p.wait(timeout, sink) } -> std::same_as<int>;
};

namespace detail {
/// The set of system calls of a poller: its own, or one without state.
template <class P>
decltype(auto) system_of(P& p) noexcept {
  if constexpr (requires { p.get_system(); }) {
    return p.get_system();
  } else {
    return typename P::system{};
  }
}
}  // namespace detail

}  // namespace asyncore

#endif

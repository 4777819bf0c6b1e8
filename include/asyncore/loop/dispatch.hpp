// SPDX-License-Identifier: BSL-1.0
/// From a report of the poller to the hooks of its channel.
#ifndef ASYNCORE_LOOP_DISPATCH_HPP
#define ASYNCORE_LOOP_DISPATCH_HPP

#include <asyncore/loop/channel_operations.hpp>
#include <asyncore/loop/interest_pass.hpp>
#include <asyncore/sys/error_queue.hpp>
#include <asyncore/word/config.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/interest.hpp>
#include <asyncore/word/token.hpp>

namespace asyncore::detail {

/// `Channels`: the `channel_set` of the loop. A `Core` has a registry, an interest_pass and
/// hook_errors, and answers a report of no channel.
template <class Core, class Channels>
class dispatch {
 public:
  using record = typename Channels::record;

  /// What the poller reports to; part of its `wait` in the compiled code.
  struct sink {
    [[gnu::always_inline]] void operator()(token t, readiness ready) const {
      report(core, t, ready);
    }
    /// So few channels stay in the cache anyway.
    bool looks_ahead() const noexcept
      requires requires(const Core& c, token t) { c.fetch(t); }
    {
      return core.size() > 100;
    }
    [[gnu::always_inline]] void expect(token t) const noexcept
      requires requires(const Core& c) { c.fetch(t); }
    {
      core.fetch(t);
    }
    Core& core;
  };

  /// The hot path: a channel that is only readable.
  [[gnu::always_inline]] static void report(Core& core, token t, readiness ready) {
    if (ready != readiness::read) [[unlikely]]
      return each(core, t, ready);
    if (record* const r = core.registry().at(t); r != nullptr) [[likely]] {
      r->id_ = t;  // as it is; so that hooks do not wait until memory says so
      if (t.generation == 0) __builtin_unreachable();  // nor ask whether they are in a loop
      guarded([&]() ASYNCORE_INLINE { Channels::template perform<op::read>(*r); },
              [&] { core.errors().hook_failed(core, t); });
    } else {
      core.answer_bell();
    }
  }

  /// One readiness bit at a time, the token looked up before each (law 2).
  [[gnu::noinline]] static void each(Core& core, token t, readiness ready) {
    if (interest_pass<Core, Channels>::defers_pauses() && any(ready, readiness::read))
      core.interests().settle_pause(core, t);
    if (any(ready, readiness::read)) deliver<op::read>(core, t, interest::read);
    if (any(ready, readiness::write)) deliver<op::write>(core, t, interest::write);
    if (any(ready, readiness::expt)) deliver<op::expt>(core, t, interest::expt);
    if (any(ready, readiness::error | readiness::hangup)) hang_up(core, t, ready);
  }

  /// Performs `Op` on a channel: what its hooks throw reaches its `handle_error`.
  template <class Op>
  static void perform(Core& core, record& r) {
    const token id = r.id();
    guarded([&] { Channels::template perform<Op>(r); },
            [&] { core.errors().hook_failed(core, id); });
  }

 private:
  template <class Op>
  static void deliver(Core& core, token t, interest wanted) {
    record* const r = core.registry().at(t);
    if (r != nullptr && any(r->armed_, wanted)) perform<Op>(core, *r);
  }

  /// Both directions are over, or an error is pending. Unread bytes go first (law 3), and the
  /// kernel, which would report this again for ever, is not asked again (law 4).
  static void hang_up(Core& core, token t, readiness ready) {
    record* r = core.registry().at(t);
    if (r == nullptr) return;
    // The read that finds the end, or the error, reports it.
    if (any(r->armed_, interest::read) && any(ready, readiness::read)) return;
    // UNIX sockets and pipes whose buffer is full report no room to write. A send finds the end.
    if (!any(ready, readiness::write)) deliver<op::write>(core, t, interest::write);
    r = core.registry().at(t);
    if (r == nullptr) return;
    const bool over = any(ready, readiness::hangup);
    if (any(r->armed_, interest::read)) {
      if (!over) return read_error(core, t);
    } else if (Channels::template perform<op::has_unread>(*r)) {
      return core.interests().park(core, *r);
    } else if (!over && passes(core, t)) {
      return;
    }
    r = core.registry().at(t);
    if (r == nullptr) return;
    perform<op::hangup>(core, *r);
    r = core.registry().at(t);
    if (r == nullptr) return;
    core.interests().forget(core, *r);
    r->hung_up_ = true;
  }

  /// A read finds the error. One that is not found is in the error queue.
  static void read_error(Core& core, token t) {
    deliver<op::read>(core, t, interest::read);
    clear_errors(core, t);
  }

  /// Gives the error queue of a socket to `handle_expt`, and drops what that has left there. Returns
  /// whether there was anything, or the channel has gone.
  static bool clear_errors(Core& core, token t) {
    deliver<op::expt>(core, t, interest::expt);
    return core.registry().at(t) == nullptr || drop_errors(core.system(), t.fd);
  }

  /// True for an error behind which the channel goes on. The error that is the result of the next
  /// call of a datagram socket waits for that call, as it does under select.
  static bool passes(Core& core, token t) {
    if (clear_errors(core, t)) return true;
    record* const r = core.registry().at(t);
    if (!Channels::template perform<op::is_connectionless>(*r)) return false;
    if (!any(r->armed_, interest::write)) core.interests().park(core, *r);
    return true;
  }
};

}  // namespace asyncore::detail

#endif

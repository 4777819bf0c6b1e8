// SPDX-License-Identifier: BSL-1.0
/// What lives beside a loop: timers, functions posted by other threads.
#ifndef ASYNCORE_CONCEPT_LOOP_SERVICE_HPP
#define ASYNCORE_CONCEPT_LOOP_SERVICE_HPP

#include <asyncore/word/duration.hpp>
#include <asyncore/word/token.hpp>
#include <asyncore/word/wake_time.hpp>

#include <type_traits>

namespace asyncore {

/// Something that a loop makes when it is first used, calls in each turn while it waits for
/// anything, and destroys at its end. A loop that uses none pays two comparisons a turn.
template <class Loop>
struct loop_service {
  /// The functions of one kind of service; their address says which kind it is.
  struct operations {
    /// Called before a wait. False: there is something to do now, do not wait.
    bool (*may_wait)(loop_service&, Loop&);
    /// Called after a wait and its hooks.
    void (*after_wait)(loop_service&, Loop&);
    /// When a wait has to end at the latest, `never` for not at all.
    wake_time (*next)(const loop_service&);
    /// True while `run` goes on without channels.
    bool (*busy)(const loop_service&);
    /// A channel that was leaving is gone (see `dispatcher_with_send::close_when_done`).
    void (*forget)(loop_service&, Loop&, token);
    /// A listener that other loops watch, too, stops accepting: it may be the only one that the
    /// kernel has woken.
    void (*decline)(loop_service&, Loop&);
    /// A channel that has timers of its own, which is a `Loop::record`, closes or is destroyed.
    void (*ended)(loop_service&, void* channel);
    void (*destroy)(loop_service*);
  };

  explicit loop_service(const operations& kind) noexcept : of(&kind) {}
  loop_service(const loop_service&) = delete;
  loop_service& operator=(const loop_service&) = delete;

  const operations* of;
  loop_service* behind = nullptr;

 protected:
  ~loop_service() = default;
};

namespace detail {

/// The operations of `Service`, which derives from `loop_service<Loop>` and has members of their
/// names.
template <class Loop, class Service>
inline constexpr typename loop_service<Loop>::operations service_operations = {
    [](loop_service<Loop>& s, Loop& loop) { return static_cast<Service&>(s).may_wait(loop); },
    [](loop_service<Loop>& s, Loop& loop) { static_cast<Service&>(s).after_wait(loop); },
    [](const loop_service<Loop>& s) { return static_cast<const Service&>(s).next(); },
    [](const loop_service<Loop>& s) { return static_cast<const Service&>(s).busy(); },
    []([[maybe_unused]] loop_service<Loop>& s, [[maybe_unused]] Loop& loop,
       [[maybe_unused]] token id) {
      if constexpr (requires(Service& service) { service.forget(loop, id); })
        static_cast<Service&>(s).forget(loop, id);
    },
    []([[maybe_unused]] loop_service<Loop>& s, [[maybe_unused]] Loop& loop) {
      if constexpr (requires(Service& service) { service.decline(loop); })
        static_cast<Service&>(s).decline(loop);
    },
    []([[maybe_unused]] loop_service<Loop>& s, [[maybe_unused]] void* channel) {
      if constexpr (requires(Service& service) { service.channel_ended(channel); })
        static_cast<Service&>(s).channel_ended(channel);
    },
    []([[maybe_unused]] loop_service<Loop>* s) {
      if constexpr (!requires { Service::part_of_loop; }) delete static_cast<Service*>(s);
    }};

}  // namespace detail
}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// The loop: waits, and dispatches what is ready to the channels.
#ifndef ASYNCORE_LOOP_HPP
#define ASYNCORE_LOOP_HPP

#include <asyncore/concept/check.hpp>
#include <asyncore/concept/fwd.hpp>
#include <asyncore/loop/turn.hpp>
#include <asyncore/word/duration.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/run_options.hpp>
#include <asyncore/word/timeout.hpp>

#include <cstdlib>
#include <memory>
#include <type_traits>
#include <utility>

namespace asyncore {

/// Waits on its `Poller` for the channels in its `Map`, and calls their hooks without a virtual
/// call. Used by one thread; only `stop` and `post` may be called from others. A channel that
/// outlives its loop is closed by it. Belongs to the process that made it: after fork(2) its end,
/// `close` and destructors only close descriptors there, and send, unregister and shut down nothing
/// that is shared; `stop` and `post` wake nobody; `run` and `poll` throw. Make a new loop there.
template <class Poller, class Map>
class ASYNCORE_BUILD_TAG basic_loop : detail::loop_turn<Poller, Map> {
  using turn_type = detail::loop_turn<Poller, Map>;
  using core_type = detail::loop_core<Poller, Map>;
  friend channel_access;

 public:
  using poller_type = Poller;
  using map_type = Map;
  using record = typename core_type::record;
  using type_ref = typename core_type::type_ref;

  /// `args...` construct the poller. Throws what that throws. Opens /dev/null in place of a closed
  /// descriptor 0, 1 or 2.
  template <class... Args>
    requires std::is_constructible_v<Poller, Args...>
  explicit basic_loop(Args&&... args) : turn_type(std::forward<Args>(args)...) {}
  basic_loop(const basic_loop&) = delete;
  basic_loop& operator=(const basic_loop&) = delete;
  ~basic_loop() { core_type::finish(); }

  /// Turns until no channel is in the map (but see `channel::unref`), no timer waits and no work is
  /// out, `count` turns are done, or `stop` was called.
  /// What hooks have sent has been given to the sockets when it returns. Throws
  /// `std::system_error` when the poller fails, or with `std::errc::operation_not_permitted` when
  /// called from a hook of the same loop or in a forked process, and what a hook threw through
  /// (`exit_now`, or what left `handle_error`); the loop can be run again afterwards.
  void run(run_options options = {}) { turn_type::run(options); }

  /// One turn: waits at most `timeout`, dispatches what is ready, calls the timers that are due,
  /// and destroys the owned channels that closed. Returns at once when the map is empty and no
  /// timer waits. A signal does not end it: it waits for `timeout` again, counted from the first
  /// signal on. Throws as `run`.
  void poll(timeout_type timeout = std::chrono::nanoseconds(0)) { turn_type::poll(timeout); }

  /// `run` that also ends when a stop of the `std::stop_token` is requested, by any thread. Include
  /// <asyncore/stop_token.hpp>.
  template <class StopToken>
    requires requires(const StopToken& t) { t.stop_requested(); }
  void run(StopToken token, run_options options = {}) {
    detail::stops_run<StopToken>::run(*this, std::move(token), options);
  }

  /// Ends `run` after the current turn, and a wait at once; if none is running, the next one at
  /// once. Thread-safe, and safe in a signal handler. A loop that finds no descriptor for its waker
  /// logs that, hears `stop` and `post` within 100 ms, and looks again.
  void stop() noexcept { this->bell_.stop(); }

  /// Has the loop call `f()` in its own thread, in a turn: at once if it waits, which takes one
  /// wake-up however many are posted meanwhile, and none while it is awake. In the order of the
  /// calls; one that is posted by a posted function waits for the next turn. What `f` throws is
  /// logged and the loop goes on; `exit_now` leaves `run`. Functions that are left when the loop
  /// ends are destroyed without being called. Throws bad_alloc, and what copying `f` throws.
  /// Thread-safe.
  template <class F>
  void post(F&& f) {
    static_assert(std::is_invocable_v<std::decay_t<F>&>,
                  "asyncore: what is posted is a function without arguments");
    using function = detail::posted_function<std::decay_t<F>, core_type>;
    if (this->bell_.mail().push(new function(std::forward<F>(f)))) this->bell_.ring();
  }

  /// Keeps `run` going until the guard is released. Include <asyncore/work_guard.hpp>.
  work_guard<basic_loop> keep_running() noexcept;

  /// Ends `run` well: tells every channel to finish, once, and ends `run` when none is left, or
  /// `within` from now on, closing those that are. Told by `handle_drain()` if its class defines
  /// that; else one with an out-queue does as `close_when_done`, and others, the listeners among
  /// them, are closed. Timers are not waited for, posted functions are. Called again it only moves
  /// the end. To be called in or outside of a hook; what hooks throw reaches `handle_error`.
  template <class Rep, class Period>
  void drain(std::chrono::duration<Rep, Period> within) {
    turn_type::drain(detail::deadline_after(now(), detail::in_nanoseconds(within)));
  }

  /// Calls `close()` of every channel. When one throws, the rest stays open and it is thrown on,
  /// unless `ignore_errors`, when the map is empty afterwards; `exit_now` always is.
  void close_all(bool ignore_errors = false) { core_type::close_all(ignore_errors); }

  /// Python's `asyncore.readwrite`: dispatches `ready` to `channel`, of this loop, as if the poller
  /// had reported it. `channel` may be gone afterwards. Throws as `run`.
  void readwrite(const record& channel, readiness ready) {
    turn_type::readwrite(channel, ready);
  }

  /// The time of this turn: the system's monotonic time, read when it is first asked for after a
  /// wait. Outside of a turn it is read each time.
  std::chrono::nanoseconds now() noexcept { return core_type::now(); }

  /// Calls `f()` once, `delay` from `now()` on: in a turn, never from inside of this call, and not
  /// before its time. Those of one time are called in the order in which they were added; zero or
  /// less means the next turn; a delay that is longer than the clock lasts, never. What `f` throws
  /// is logged and the loop goes on; `exit_now` leaves `run`. The timers, which cancel, are in
  /// <asyncore/timers.hpp>. Throws bad_alloc, and what copying `f` throws. Constant time; small
  /// functions are kept without an allocation.
  template <class Rep, class Period, class F>
  timer<basic_loop> call_later(std::chrono::duration<Rep, Period> delay, F&& f);

  /// `call_later` at a time of the clock of `now()`; one that has passed means the next turn.
  /// With the kernel's own clock a `std::chrono::steady_clock::time_point` may be given, too.
  /// @{
  template <class F>
  timer<basic_loop> call_at(std::chrono::nanoseconds when, F&& f);
  template <class F>
  timer<basic_loop> call_at(std::chrono::steady_clock::time_point when, F&& f);
  /// @}

  /// Calls `f()` again and again, `period` (at least 1 ns) apart, the first time after one period,
  /// until it is cancelled. The times are multiples of the period from now on, however late calls
  /// are; when one is later than a whole period, those that were missed are left out.
  template <class Rep, class Period, class F>
  timer<basic_loop> call_every(std::chrono::duration<Rep, Period> period, F&& f);

  /// The number of channels in the map.
  std::size_t size() const noexcept { return core_type::size(); }
  bool empty() const noexcept { return core_type::empty(); }

  /// The poller's descriptor, where it is one: readable when a channel is ready, and when another
  /// thread has called `stop`, or `post` since the last `poll`; not for timers.
  int native_handle() const noexcept
    requires requires(const Poller& p) { p.native_handle(); }
  { return this->poller_.native_handle(); }

  /// The poller's observer, where it has one (see poller/observed.hpp).
  template <class P = Poller>
  auto observer() noexcept -> decltype(std::declval<P&>().observer()) {
    return this->poller_.observer();
  }

  /// Constructs `Channel(*this, args...)`, owned by the loop: it is destroyed at the end of the
  /// turn in which it closes, or with the loop. Returns the channel, which may have closed
  /// already in its constructor but lives until the end of the turn. Throws what the constructor
  /// throws. A class that is derived from a channel's class may be made, too, when that one, which
  /// is named in its base, has a virtual destructor; its hooks are reached if they are virtual.
  template <class Channel, class... Args>
  Channel& emplace(Args&&... args);

  /// Owns a channel of this loop that was made elsewhere, as if by `emplace`; one that has closed
  /// is destroyed at the end of the turn, or of the next. Throws `std::system_error`,
  /// `invalid_argument`, for a null pointer and for a channel of another loop.
  template <class Channel>
  Channel& adopt(std::unique_ptr<Channel> channel);

  /// The set of system calls that channels use, which the poller names.
  decltype(auto) system() noexcept { return core_type::system(); }

  /// True while the registration of this token lasts.
  bool alive(token id) const noexcept { return core_type::alive(id); }

  /// The error last reported, for `handle_error` without exceptions.
  std::error_code last_error() const noexcept { return this->errors_.last(); }

  /// How long a listener that found no free descriptor waits for one.
  static constexpr std::chrono::nanoseconds exhaustion_pause = core_type::exhaustion_pause;

 private:
  template <class F>
  timer<basic_loop> add_timer(std::chrono::nanoseconds when, F&& f);
};

template <class Poller, class Map>
template <class Channel, class... Args>
Channel& basic_loop<Poller, Map>::emplace(Args&&... args) {
  static_assert(detail::check_owned<Channel, basic_loop>());
  if constexpr (detail::check_emplaced<Channel, basic_loop, Args...>()) {
    auto* const channel = new Channel(*this, std::forward<Args>(args)...);
    this->own(*channel);
    return *channel;
  } else {
    std::abort();  // and no more messages than that one
  }
}

template <class Poller, class Map>
template <class Channel>
Channel& basic_loop<Poller, Map>::adopt(std::unique_ptr<Channel> channel) {
  static_assert(detail::check_owned<Channel, basic_loop>());
  if (channel == nullptr || &detail::as_kind(*channel).loop() != this)
    detail::throw_error(std::make_error_code(std::errc::invalid_argument),
                        "a loop adopts channels of its own");
  this->own(*channel);
  return *channel.release();
}

}  // namespace asyncore

#endif

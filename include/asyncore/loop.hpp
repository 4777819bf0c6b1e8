// SPDX-License-Identifier: BSL-1.0
/// The loop: waits, and dispatches what is ready to the channels.
#ifndef ASYNCORE_LOOP_HPP
#define ASYNCORE_LOOP_HPP

#include <asyncore/buffer/cork.hpp>
#include <asyncore/buffer/out_queue.hpp>
#include <asyncore/buffer/receive_buffer.hpp>
#include <asyncore/concept/channel_map.hpp>
#include <asyncore/concept/check.hpp>
#include <asyncore/concept/loop_service.hpp>
#include <asyncore/concept/poller.hpp>
#include <asyncore/concept/registration.hpp>
#include <asyncore/loop/accept_throttle.hpp>
#include <asyncore/loop/channel_set.hpp>
#include <asyncore/loop/doorbell.hpp>
#include <asyncore/loop/wake_schedule.hpp>
#include <asyncore/sys/standard_descriptors.hpp>
#include <asyncore/sys/waker.hpp>
#include <asyncore/word/duration.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/log.hpp>
#include <asyncore/word/run_holds.hpp>
#include <asyncore/word/run_options.hpp>
#include <asyncore/word/timeout.hpp>
#include <asyncore/word/usage_check.hpp>

#include <cstdint>
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
class ASYNCORE_BUILD_TAG basic_loop : detail::standard_descriptors {
  static_assert(detail::check_poller<Poller>());
  static_assert(detail::check_channel_map<Map>());

 public:
  using poller_type = Poller;
  using map_type = Map;
  using channels = channel_set<typename Map::channels>;
  using record = typename Map::record;
  using type_ref = typename record::type_ref;

  /// `args...` construct the poller. Throws what that throws. Opens /dev/null in place of a closed
  /// descriptor 0, 1 or 2.
  template <class... Args>
    requires std::is_constructible_v<Poller, Args...>
  explicit basic_loop(Args&&... args) : poller_(std::forward<Args>(args)...) {}
  basic_loop(const basic_loop&) = delete;
  basic_loop& operator=(const basic_loop&) = delete;
  ~basic_loop();

  /// Turns until no channel is in the map (but see `channel::unref`), no timer waits and no work is
  /// out, `count` turns are done, or `stop` was called.
  /// What hooks have sent has been given to the sockets when it returns. Throws
  /// `std::system_error` when the poller fails, or with `std::errc::operation_not_permitted` when
  /// called from a hook of the same loop or in a forked process, and what a hook threw through
  /// (`exit_now`, or what left `handle_error`); the loop can be run again afterwards.
  void run(run_options options = {});

  /// One turn: waits at most `timeout`, dispatches what is ready, calls the timers that are due,
  /// and destroys the owned channels that closed. Returns at once when the map is empty and no
  /// timer waits. A signal does not end it. Throws as `run`.
  void poll(timeout_type timeout = std::chrono::nanoseconds(0));

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
  void stop() noexcept { bell_.stop(); }

  /// Has the loop call `f()` in its own thread, in a turn: at once if it waits, which takes one
  /// wake-up however many are posted meanwhile, and none while it is awake. In the order of the
  /// calls; one that is posted by a posted function waits for the next turn. What `f` throws is
  /// logged and the loop goes on; `exit_now` leaves `run`. Functions that are left when the loop
  /// ends are destroyed without being called. Throws bad_alloc, and what copying `f` throws.
  /// Thread-safe.
  template <class F>
  void post(F&& f);

  /// Keeps `run` going until the guard is released. Include <asyncore/work_guard.hpp>.
  work_guard<basic_loop> keep_running() noexcept;

  /// Ends `run` well: tells every channel to finish, once, and ends `run` when none is left, or
  /// `within` from now on, closing those that are. Told by `handle_drain()` if its class defines
  /// that; else one with an out-queue does as `close_when_done`, and others, the listeners among
  /// them, are closed. Timers are not waited for, posted functions are. Called again it only moves
  /// the end. To be called in or outside of a hook; what hooks throw reaches `handle_error`.
  template <class Rep, class Period>
  void drain(std::chrono::duration<Rep, Period> within);

  /// Calls `close()` of every channel. When one throws, the rest stays open and it is thrown on,
  /// unless `ignore_errors`, when the map is empty afterwards; `exit_now` always is.
  void close_all(bool ignore_errors = false);

  /// Python's `asyncore.readwrite`: dispatches `ready` to `channel`, of this loop, as if the poller
  /// had reported it. `channel` may be gone afterwards. Throws as `run`.
  void readwrite(const record& channel, readiness ready);

  /// The time of this turn: the system's monotonic time, read when it is first asked for after a
  /// wait. Outside of a turn it is read each time.
  std::chrono::nanoseconds now() noexcept;

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
  std::size_t size() const noexcept { return map_.size(); }
  bool empty() const noexcept { return map_.size() == 0; }

  /// The poller's descriptor, where it is one: readable when a channel is ready, and when another
  /// thread has called `stop`, or `post` since the last `poll`; not for timers.
  int native_handle() const noexcept
    requires requires(const Poller& p) { p.native_handle(); }
  { return poller_.native_handle(); }

  /// The poller's observer, where it has one (see poller/observed.hpp).
  template <class P = Poller>
  auto observer() noexcept -> decltype(std::declval<P&>().observer()) { return poller_.observer(); }

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

  /// What follows is for channel kinds.
  /// @{

  /// The set of system calls.
  decltype(auto) system() noexcept { return detail::system_of(poller_); }

  /// What names a type of channel at run time.
  template <class Channel>
  static constexpr type_ref type_of() noexcept;

  /// Why a channel for `fd` would be refused; success if it would not.
  std::error_code room_for(int fd) const noexcept;

  /// Enters `r` under its descriptor; watched from the next wait on.
  void add(record& r, bool every_turn, std::error_code& failed);

  /// Takes `r`, which is registered, out of the map.
  void remove(record& r) noexcept;
  /// Takes `r` out of the map, if it is there, for good: an owned one is destroyed at the end of
  /// the turn. `told`: its class has a last hook, which `call_last_hook` calls before that.
  void remove_closed(record& r, bool told) noexcept;
  template <class Channel> void call_last_hook(Channel& c) noexcept;

  /// Watches `r` for reading at once; what the poller refuses is reported by `failed`.
  void watch_now(record& r, std::error_code& failed);

  /// Has `r` finish what it put off and asked what it is interested in, before the next wait or
  /// the end of `run` or `poll`.
  void visit_before_wait(record& r) noexcept;
  void visit_before_wait(token id) noexcept;

  /// A hook is called: what predicates have answered before it in this turn may be out of date.
  void ask_again() noexcept { ask_again_ = true; }

  /// Asks an `ask_on_rearm` channel again, if its hook has left it in the loop.
  template <class Channel>
  void asked_after_hook(token id);

  /// Something that its channel does not want now was reported for this token.
  void unwanted(token id);

  /// True while the registration of this token lasts.
  bool alive(token id) const noexcept { return find(id) != nullptr; }

  /// True in a process that was forked after the loop was made.
  bool elsewhere() const noexcept { return bell_.elsewhere(); }

  /// True while hooks run.
  bool in_turn() const noexcept { return in_turn_; }

  /// Hooks may be called outside of a turn while it lives: `run` and `poll` are refused in them.
  struct hooks_scope;

  /// Reports a failed call to `handle_error` of `r`, as an exception where there are such.
  void report_error(record& r, std::error_code code, std::string_view what);

  /// The error last reported, for `handle_error` without exceptions.
  std::error_code last_error() const noexcept { return last_error_; }

  /// Calls `f`. What it throws is logged as from `of`, or reaches `handle_error` of the channel
  /// whose token that is; `exit_now` passes, and what leaves a `handle_error`.
  template <class F>
  void call_guarded(const char* of, F&& f);
  template <class F>
  void call_guarded(token of, F&& f);

  /// Calls `f`, the hook `name` of `c`: what it throws reaches `handle_error` of `c`.
  template <class Channel, class F>
  void call_hook(Channel& c, const char* name, F&& f);

  /// The loop's own `Service` (see loop_service.hpp), which is made at the first call.
  template <class Service>
  Service& service() { return schedule_.template service<Service>(*this); }

  /// Ends the timers of `r`, which closes or is destroyed.
  void drop_timers(record& r) noexcept;

  /// For the service of posts: tries again to open the bell.
  void look_for_waker() { bell_.try_to_open(*this, schedule_, add_waker()); }

  /// What `run` goes on for.
  detail::run_holds& holds() noexcept { return holds_; }
  void work_is_done() noexcept;

  /// Tells the services that a channel which was leaving is gone.
  void forget(token id) noexcept;

  /// Drops the cached time of the turn; the next `now()` reads the clock.
  void forget_time() noexcept { schedule_.forget_time(); }

  /// Has the next wait end at `when` at the latest.
  void wake_by(wake_time when) noexcept {
    usage_.same_thread();
    schedule_.wake_by(when);
  }

  /// Calls `resume_accepting` of this channel when another has left the map, and if
  /// `for_a_while` after `exhaustion_pause` at the latest.
  void resume_later(token listener, bool for_a_while) noexcept;

  /// The buffer of `handle_data`, where it has been made. It is in use while the stage is open.
  const receive_buffer& own_buffer() const noexcept { return receive_buffer_; }

  /// A buffer that nobody uses. Throws bad_alloc.
  receive_loan<ASYNCORE_DEBUG != 0> lend() { return {receive_buffer_, stage_.is_open()}; }

  /// Adds bytes to what the owner of the stage sends at the end of its hook; false when there is
  /// no room. Throws bad_alloc.
  bool stage_bytes(bytes_view bytes) { return stage_.append(bytes, receive_buffer_.place()); }
  send_stage& stage() noexcept { return stage_; }
  detail::mailbox& mail() noexcept { return bell_.mail(); }
  block_pool& blocks() noexcept { return blocks_; }
  /// @}

  /// How long a listener that found no free descriptor waits for one.
  static constexpr std::chrono::nanoseconds exhaustion_pause = std::chrono::milliseconds(100);

 private:
  using waker = typename detail::waker_of<typename Poller::system>::type;
  template <class> friend class detail::drain_service;
  template <class> friend struct detail::stops_run;
  template <class> friend class loop_group;

  struct turn_scope;
  struct turn_sink;
  struct restore_scope;
  struct reason_scope;

  void begin();
  auto add_waker() noexcept;
  bool turn(timeout_type timeout);
  void finish_turn(timeout_type timeout);
  void flush();
  void refuse_in_hook() const;
  void before_wait();
  void visit_every_turn(bool first_pass);
  void visit_changed(bool last);
  bool any_every_turn() const noexcept;
  void visit(record& r);
  void arm(record& r, interest wanted);
  void refused(record& r, std::error_code failed);
  bool arms_later(record& r, interest wanted) noexcept;
  void check_declined(const record& r, interest wanted) noexcept;
  void watch_anew(token id) noexcept;
  bool arm_paused(token id);
  static consteval bool any_pause() noexcept;
  void check_rearmed();
  bool stops() const noexcept { return bell_.stop_request().raised(); }
  timeout_type limit(timeout_type timeout);
  void run_services();
  void resume_throttled() noexcept;
  std::chrono::nanoseconds read_clock() noexcept;
  bool idle() const noexcept {
    return !holds_.any(size()) && bell_.mail().empty() && !schedule_.any_busy();
  }
  template <class F>
  timer<basic_loop> add_timer(std::chrono::nanoseconds when, F&& f);
  void function_failed(const char* of);

  void dispatch(token t, readiness ready);
  void dispatch_each(token t, readiness ready);
  template <class Op>
  void deliver(token t, interest wanted);
  template <class Op>
  void guarded(record& r);
  void hook_failed(token t);
  void call_handle_error(record& r);
  void hang_up(token t, readiness ready);
  void read_error(token t);
  bool clear_errors(token t);
  bool passes(token t);
  void park(record& r) noexcept;
  void stop_polling(record& r) noexcept;
  void own(record& r) noexcept;
  void reap() noexcept;
  void end_record(record& r) noexcept;

  /// Closes and destroys all that there is; `post` and `stop` may still be called.
  void end() noexcept;
  void end_channels() noexcept;
  /// The channel of a token that may be that of none; a map is asked only for those that it had.
  record* find(token id) const noexcept { return id.generation != 0 ? map_.find(id) : nullptr; }

  static record& as_record(list_node* node) noexcept { return static_cast<record&>(*node); }

  Poller poller_;
  Map map_;
  receive_buffer receive_buffer_;  // beside what else a read event needs
  send_stage stage_;
  list_node every_turn_;  // asked before each wait
  list_node asking_;      // of those, the ones still to be asked in this turn
  list_node changed_;     // visited before the next wait
  list_node closed_;      // to be told of their end, or owned, to be destroyed
  list_node idle_;        // left the map without closing, or owned and never in it
  detail::run_holds holds_;
  std::uint32_t last_generation_ = 0;
  int unwanted_ = 0;  // reports in this turn that paused channels did not want
  bool in_turn_ = false;
  int hooks_ = 0;  // calls under way that may call hooks, in a turn or outside
  bool ask_again_ = false;
  bool in_handle_error_ = false;  // called for what the system refused, inside of another hook
  bool ends_silently_ = false;    // the loop ends, and its last hooks open channels again and again
  detail::doorbell<basic_loop, waker> bell_;
  [[no_unique_address]] detail::usage_check<ASYNCORE_DEBUG != 0> usage_;
  detail::wake_schedule<basic_loop> schedule_;
  detail::accept_throttle throttle_;
  std::error_code last_error_;
  block_pool blocks_;
};

}  // namespace asyncore

#include <asyncore/drain.hpp>
#include <asyncore/loop/hangup.hpp>
#include <asyncore/loop/interest_pass.hpp>
#include <asyncore/loop/registry.hpp>
#include <asyncore/loop/turn.hpp>
#include <asyncore/post.hpp>

#endif

// SPDX-License-Identifier: BSL-1.0
/// The inside of a loop: its parts, and what channel kinds and services ask of them.
#ifndef ASYNCORE_LOOP_CORE_HPP
#define ASYNCORE_LOOP_CORE_HPP

#include <asyncore/buffer/cork.hpp>
#include <asyncore/buffer/out_queue.hpp>
#include <asyncore/buffer/receive_buffer.hpp>
#include <asyncore/concept/channel_access.hpp>
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
#include <type_traits>
#include <utility>

namespace asyncore::detail {

/// The private base of `basic_loop`, which `channel_access::core` gives to channel kinds. Its
/// functions up to the mark are what kinds and services may call; the others are the turn's.
template <class Poller, class Map>
class ASYNCORE_BUILD_TAG loop_core : standard_descriptors {
  static_assert(check_poller<Poller>());
  static_assert(check_channel_map<Map>());

  using waker = typename waker_of<typename Poller::system>::type;

 public:
  using poller_type = Poller;
  using channels = channel_set<typename Map::channels>;
  using record = typename Map::record;
  using type_ref = typename record::type_ref;

  template <class... Args>
  explicit loop_core(Args&&... args) : poller_(std::forward<Args>(args)...) {}
  loop_core(const loop_core&) = delete;
  loop_core& operator=(const loop_core&) = delete;

  /// The set of system calls.
  decltype(auto) system() noexcept { return system_of(poller_); }

  /// The poller's observer, where it has one.
  template <class P = Poller>
  auto observer() noexcept -> decltype(std::declval<P&>().observer()) { return poller_.observer(); }

  std::chrono::nanoseconds now() noexcept;
  std::size_t size() const noexcept { return map_.size(); }
  bool empty() const noexcept { return map_.size() == 0; }

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
  run_holds& holds() noexcept { return holds_; }
  void work_is_done() noexcept {
    holds_.remove_work([this] { bell_.ring(); });
  }

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
  doorbell<loop_core, waker>& bell() noexcept { return bell_; }
  mailbox& mail() noexcept { return bell_.mail(); }
  block_pool& blocks() noexcept { return blocks_; }
  /// How long a listener that found no free descriptor waits for one.
  static constexpr std::chrono::nanoseconds exhaustion_pause = std::chrono::milliseconds(100);

  // The mark: what follows is for the loop itself.

  void run(run_options options);
  void poll(timeout_type timeout);
  void drain(std::chrono::nanoseconds end);
  void close_all(bool ignore_errors);
  void readwrite(const record& channel, readiness ready);
  /// Ends the loop, whose channels may still use all of it.
  void finish();

  struct turn_scope;
  struct turn_sink;
  struct restore_scope;
  struct reason_scope;

  void begin();
  auto add_waker() noexcept;
  void turns(timeout_type timeout, std::uint64_t count, bool may_end);
  bool turn(timeout_type timeout);
  void check_wait(int n);
  timeout_type wait_again(timeout_type timeout, std::chrono::nanoseconds& deadline);
  void flush();
  void flush_all();
  void refuse_in_hook() const;
  [[noreturn]] static void refuse(const char* why);
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
  void function_failed(const char* of);

  void dispatch(token t, readiness ready);
  void dispatch_each(token t, readiness ready);
  template <class Op>
  void deliver(token t, interest wanted);
  template <class Op>
  void perform_guarded(record& r);
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
  run_holds holds_;
  std::uint32_t last_generation_ = 0;
  int unwanted_ = 0;  // reports in this turn that paused channels did not want
  bool in_turn_ = false;
  int hooks_ = 0;  // calls under way that may call hooks, in a turn or outside
  bool ask_again_ = false;
  bool in_handle_error_ = false;  // called for what the system refused, inside of another hook
  bool ends_silently_ = false;    // the loop ends, and its last hooks open channels again and again
  doorbell<loop_core, waker> bell_;
  [[no_unique_address]] usage_check<ASYNCORE_DEBUG != 0> usage_;
  wake_schedule<loop_core> schedule_;
  accept_throttle throttle_;
  std::error_code last_error_;
  block_pool blocks_;
};

}  // namespace asyncore::detail

#include <asyncore/loop/drain_service.hpp>
#include <asyncore/loop/hangup.hpp>
#include <asyncore/loop/interest_pass.hpp>
#include <asyncore/loop/registry.hpp>
#include <asyncore/loop/turn.hpp>

#endif

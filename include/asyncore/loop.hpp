// SPDX-License-Identifier: BSL-1.0
/// The loop: waits, and dispatches what is ready to the channels.
#ifndef ASYNCORE_LOOP_HPP
#define ASYNCORE_LOOP_HPP

#include <asyncore/channel_operations.hpp>
#include <asyncore/concept/channel_map.hpp>
#include <asyncore/concept/check.hpp>
#include <asyncore/concept/poller.hpp>
#include <asyncore/duration.hpp>
#include <asyncore/error.hpp>
#include <asyncore/log.hpp>
#include <asyncore/out_queue.hpp>
#include <asyncore/receive_buffer.hpp>
#include <asyncore/registration.hpp>
#include <asyncore/send_stage.hpp>
#include <asyncore/stop_flag.hpp>
#include <asyncore/timeout.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace asyncore {

/// How `run` runs; the parameters of Python's `asyncore.loop`.
struct run_options {
  /// The longest that one turn waits; nothing: for ever, which spares the kernel a timer and a turn
  /// with few events a tenth of its time.
  timeout_type timeout = std::chrono::seconds(30);
  /// Turns to do; nothing: until the loop is empty.
  std::optional<std::uint64_t> count = {};
};

/// Waits on its `Poller` for the channels in its `Map`, and calls their hooks without a virtual
/// call. Used by one thread; only `stop` may be called from others. A channel that outlives its
/// loop is closed by it.
template <class Poller, class Map>
class basic_loop {
  static_assert(detail::check_poller<Poller>());
  static_assert(detail::check_channel_map<Map>());

 public:
  using poller_type = Poller;
  using map_type = Map;
  using channels = typename Map::channels;
  using record = typename Map::record;
  using type_ref = typename record::type_ref;

  /// `args...` construct the poller. Throws what that throws.
  template <class... Args>
    requires std::is_constructible_v<Poller, Args...>
  explicit basic_loop(Args&&... args) : poller_(std::forward<Args>(args)...) {}
  basic_loop(const basic_loop&) = delete;
  basic_loop& operator=(const basic_loop&) = delete;
  ~basic_loop();

  /// Turns until the map is empty, `count` turns are done, or `stop` was called.
  /// What hooks have sent has been given to the sockets when it returns. Throws
  /// `std::system_error` when the poller fails, or with `std::errc::operation_not_permitted` when
  /// called from a hook of the same loop, and what a hook threw through (`exit_now`, or what left
  /// `handle_error`); the loop can be run again afterwards.
  void run(run_options options = {});

  /// One turn: waits at most `timeout`, dispatches what is ready, and destroys the owned channels
  /// that closed. Returns at once when the map is empty. A signal does not end it. Throws as `run`.
  void poll(timeout_type timeout = std::chrono::nanoseconds(0));

  /// Ends `run` after the current turn; if none is running, the next one at once. Does not wake a
  /// loop that waits. Thread-safe, and safe in a signal handler.
  void stop() noexcept { stopping_.raise(); }

  /// Calls `close()` of every channel. When one throws, the rest stays open and it is thrown on,
  /// unless `ignore_errors`, when the map is empty afterwards; `exit_now` always is.
  void close_all(bool ignore_errors = false);

  /// Python's `asyncore.readwrite`: dispatches `ready` to `channel`, of this loop, as if the poller
  /// had reported it. `channel` may be gone afterwards. Throws as `run`.
  void readwrite(const record& channel, readiness ready) {
    if (channel.registered()) dispatch_each(channel.id(), ready);
  }

  /// The number of channels in the map.
  std::size_t size() const noexcept { return map_.size(); }
  bool empty() const noexcept { return map_.size() == 0; }

  /// The poller's descriptor, where it is one: readable when a channel is ready.
  int native_handle() const noexcept
    requires requires(const Poller& p) { p.native_handle(); }
  {
    return poller_.native_handle();
  }

  /// Constructs `Channel(*this, args...)`, owned by the loop: it is destroyed at the end of the
  /// turn in which it closes, or with the loop. Returns the channel, which may have closed
  /// already in its constructor but lives until the end of the turn. Throws what the constructor
  /// throws.
  template <class Channel, class... Args>
  Channel& emplace(Args&&... args);

  /// What follows is for channel kinds.
  /// @{

  /// The set of system calls.
  decltype(auto) system() noexcept {
    if constexpr (requires { poller_.get_system(); }) {
      return poller_.get_system();
    } else {
      return typename Poller::system{};
    }
  }

  template <class Channel>
  static constexpr type_ref type_of() noexcept {
    static_assert(channels::template contains<Channel>,
                  "asyncore: this channel type is not in the closed list of the loop's map: add it "
                  "to the list, as in fd_table<..., Channel>, or leave the list empty");
    return channels::template ref<Channel>();
  }

  /// Why a channel for `fd` would be refused; success if it would not.
  std::error_code room_for(int fd) const noexcept {
    if constexpr (requires { Poller::fd_limit; })
      if (fd >= Poller::fd_limit) return std::make_error_code(std::errc::value_too_large);
    return map_.room_for(fd);
  }

  /// Enters `r` under its descriptor; watched from the next wait on.
  void add(record& r, bool every_turn, std::error_code& failed);

  /// Takes `r`, which is registered, out of the map.
  void remove(record& r) noexcept;

  /// Takes `r` out of the map, if it is there, for good: an owned one is destroyed.
  void remove_closed(record& r) noexcept;

  /// Has `r` finish what it put off and asked what it is interested in, before the next wait or
  /// the end of `run` or `poll`.
  void visit_before_wait(record& r) noexcept {
    if (r.registered() && (r.every_turn_ || r.unlinked())) r.link_before(changed_);
  }
  void visit_before_wait(token id) noexcept {
    if (id.generation == 0) return;
    if (record* const r = map_.find(id)) visit_before_wait(*r);
  }

  /// A hook is called: what predicates have answered before it in this turn may be out of date.
  void ask_again() noexcept { ask_again_ = true; }

  /// Asks an `ask_on_rearm` channel again, if its hook has left it in the loop.
  template <class Channel>
  void asked_after_hook(token id) {
    record* const r = map_.find(id);
    if (r == nullptr || !r->unlinked()) return;
    const interest wanted = detail::op::ask::on(static_cast<Channel&>(*r));
    if (map_.find(id) == r && wanted != r->armed_) r->link_before(changed_);
  }

  /// Something that its channel does not want now was reported for this token.
  void unwanted(token id);

  /// True while the registration of this token lasts.
  bool alive(token id) const noexcept { return map_.find(id) != nullptr; }

  /// True while hooks run.
  bool in_turn() const noexcept { return in_turn_; }

  /// Reports a failed call to `handle_error` of `r`, as an exception where there are such.
  void report_error(record& r, std::error_code code, std::string_view what);

  /// The error last reported, for `handle_error` without exceptions.
  std::error_code last_error() const noexcept { return last_error_; }

  /// Calls `resume_accepting` of every channel when a descriptor has been freed, or after
  /// `exhaustion_pause`.
  void resume_later() noexcept { resume_at_ = system().now() + exhaustion_pause; }

  /// The buffer that `handle_data` is given bytes in.
  std::span<std::byte> receive_bytes() {
    if (stage_.size() > 0) [[unlikely]]
      stage_.borrow_no_more();
    return receive_buffer_.bytes();
  }

  /// Adds bytes to what the owner of the stage sends at the end of its hook; false when there is
  /// no room. Throws bad_alloc.
  bool stage_bytes(bytes_view bytes) { return stage_.append(bytes, receive_buffer_.place()); }
  send_stage& stage() noexcept { return stage_; }
  block_pool& blocks() noexcept { return blocks_; }
  /// @}

  /// How long a listener that found no free descriptor waits for one.
  static constexpr std::chrono::nanoseconds exhaustion_pause = std::chrono::milliseconds(100);

 private:
  struct turn_scope;
  struct turn_sink;
  struct restore_scope;

  bool turn(timeout_type timeout);
  void finish_turn(timeout_type timeout);
  void flush();
  void refuse_in_hook() const;
  void before_wait();
  void visit_every_turn(bool first_pass);
  void visit_changed(bool last);
  bool any_every_turn() const noexcept {
    return channels::template any_asked<predicate_mode::every_turn>() &&
           !(every_turn_.unlinked() && asking_.unlinked());
  }
  void visit(record& r);
  void arm(record& r, interest wanted);
  bool arms_later(record& r, interest wanted) noexcept;
  bool arm_paused(token id);
  static constexpr bool any_pause() noexcept {
    return channels::template any_asked<predicate_mode::every_turn>() ||
           channels::template any_asked<predicate_mode::on_rearm>();
  }
  void check_rearmed();
  timeout_type shortened(timeout_type timeout) noexcept;
  void resume_if_due();

  void dispatch(token t, readiness ready);
  void dispatch_each(token t, readiness ready);
  template <class Op>
  void deliver(token t, interest wanted);
  template <class Op>
  void guarded(record& r);
  void hook_failed(token t);
  void hang_up(token t, readiness ready);
  void stop_polling(record& r) noexcept;
  void reap() noexcept;

  static record& as_record(list_node* node) noexcept { return static_cast<record&>(*node); }

  Poller poller_;
  Map map_;
  list_node every_turn_;  // asked before each wait
  list_node asking_;      // of those, the ones still to be asked in this turn
  list_node changed_;     // visited before the next wait
  list_node closed_;      // owned, to be destroyed
  list_node idle_;        // left the map without closing, or owned and never in it
  std::uint32_t last_generation_ = 0;
  int unwanted_ = 0;  // reports in this turn that paused channels did not want
  bool in_turn_ = false;
  bool ask_again_ = false;
  bool in_handle_error_ = false;  // called for what the system refused, inside of another hook
  stop_flag stopping_;
  std::chrono::nanoseconds resume_at_{0};  // when a wait has to end at the latest; 0: never
  std::error_code last_error_;
  receive_buffer receive_buffer_;
  send_stage stage_;
  block_pool blocks_;
};

}  // namespace asyncore

#include <asyncore/impl/loop_registry.hpp>
#include <asyncore/impl/loop_turn.hpp>

#endif

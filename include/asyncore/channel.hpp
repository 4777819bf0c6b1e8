// SPDX-License-Identifier: BSL-1.0
/// Anything that a loop can watch: the root of the channel kinds.
#ifndef ASYNCORE_CHANNEL_HPP
#define ASYNCORE_CHANNEL_HPP

#include <asyncore/concept/channel_access.hpp>
#include <asyncore/concept/hooks.hpp>
#include <asyncore/concept/kind.hpp>
#include <asyncore/concept/kind_hooks.hpp>
#include <asyncore/concept/predicates.hpp>
#include <asyncore/concept/registration.hpp>
#include <asyncore/loop/channel_operations.hpp>
#include <asyncore/sys/error_queue.hpp>
#include <asyncore/word/close_info.hpp>
#include <asyncore/word/duration.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/log.hpp>

#include <type_traits>

namespace asyncore {

namespace detail {
/// The registration of a channel of `Loop`.
template <class Loop>
struct registered_in {
  static_assert(requires { sizeof(Loop); },
                "asyncore: the channel's loop is only declared: include <asyncore/loop.hpp> and its "
                "poller and map, or <asyncore/default_loop.hpp> for the default loop");
  using record = registration<typename Loop::type_ref>;
};
}  // namespace detail

/// Watches a descriptor that somebody else owns, and calls `handle_read`, `handle_write`,
/// `handle_expt` and `handle_close` of `Derived`, each only if it is defined. What the loop calls
/// are the entry points `handle_*_event`; the channel kinds above give them more to do.
///
/// A class of any kind may define `handle_closed(const close_info&)`, which is always the last hook
/// and called once: at the end of the turn in which the channel closed, or at the end of its loop.
/// The descriptor is closed then, and an owned channel is destroyed afterwards, unless the hook has
/// opened another descriptor. The hook is not called for a channel that was opened again in the
/// turn in which it closed, or that its owner destroyed. What it throws is logged; `exit_now` acts
/// as `stop()`.
template <class Derived, class Loop>
class channel : public detail::registered_in<Loop>::record {
  friend detail::kind_tag<channel, detail::calls_nothing_else> asyncore_kind(channel*) {
    return {};
  }

 public:
  using loop_type = Loop;

  /// A channel of `loop` that watches nothing yet.
  explicit channel(Loop& loop) noexcept
      : detail::registered_in<Loop>::record(type_of_class()), loop_(&loop) {
    check();
  }

  /// A channel that watches `fd`, which stays the caller's and outlives the registration.
  /// Throws as `add_channel`.
  channel(Loop& loop, int fd) : channel(loop) {
    this->set_descriptor(fd);
    add_channel();
  }

  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  Loop& loop() const noexcept { return *loop_; }

  /// The descriptor, -1 when there is none.
  int native_handle() const noexcept { return this->id().fd; }

  /// Enters the loop's map under the channel's descriptor. Throws `std::system_error`: `EEXIST`
  /// when the map has a channel for it, `no_buffer_space` when the map is full,
  /// `value_too_large` when the poller cannot watch a descriptor that high.
  void add_channel() {
    std::error_code failed;
    add_channel(failed);
    if (failed)
      detail::throw_error(failed,
                          detail::joined({"add_channel: ", detail::fd_text(native_handle())}));
  }
  void add_channel(std::error_code& failed) {
    core().add(*this, detail::mode_of<Derived>() == predicate_mode::every_turn, failed);
  }

  /// Leaves the map; the descriptor stays open. An owned channel lives on until it closes or its
  /// loop ends.
  void del_channel() noexcept {
    if (this->registered()) core().remove(*this);
  }

  /// Has the predicates asked before the next wait: to be called when an answer has changed
  /// outside of the channel's own hooks (see `ask_on_rearm`). Constant time.
  void rearm() noexcept { core().update_interest(*this); }

  /// `run` does not go on for this channel: it ends when nothing else is left, as a signal channel
  /// wants it in a client. The channel is served like any other while `run` goes on, and by
  /// `poll`. Lasts until `ref`, also when the channel leaves its loop meanwhile. `drain` does not
  /// wait for it, and closes it at the end. Constant time.
  void unref() noexcept { this->set_unref(true, core().holds()); }
  void ref() noexcept { this->set_unref(false, core().holds()); }

  /// `basic_loop::call_later`, `call_at` and `call_every` of `f()` or `f(channel)`, as a hook of
  /// this channel: what it throws reaches `handle_error`. The timer is cancelled when the channel
  /// closes or is destroyed, and so also when it is detached; not by `del_channel`. Until then it
  /// keeps `run` going, unless its own `unref` is called. May be called before the channel opens
  /// and after it has closed: then `f` ends with the channel's destruction, and what it throws is
  /// logged. `f` must not own the channel. Throws bad_alloc. One allocation. Include
  /// <asyncore/timers.hpp>.
  /// @{
  template <class Rep, class Period, class F>
  timer<Loop> call_later(std::chrono::duration<Rep, Period> delay, F&& f);
  template <class F>
  timer<Loop> call_at(std::chrono::nanoseconds when, F&& f);
  template <class Rep, class Period, class F>
  timer<Loop> call_every(std::chrono::duration<Rep, Period> period, F&& f);
  /// @}

  /// Calls `f` in the next turn, as `call_later` without a delay; in the loop's thread, unlike
  /// `basic_loop::post`.
  template <class F>
  void post(F&& f);

  /// For a listening socket that channels of several loops watch, each by a duplicate of its own:
  /// when a connection comes, the kernel wakes at least one of the loops, and not all, where the
  /// poller can say so (see `epoll_poller::add_exclusive`). When one that was woken does not accept,
  /// only a `loop_group` has the others look. To be called before the loop's next wait.
  void watch_exclusively() noexcept { this->set_exclusive(); }

  /// Leaves the loop for good, and has no deadline any more. An owned channel is destroyed at the
  /// end of the turn.
  void close() noexcept {
    if constexpr (std::is_convertible_v<Derived*, deadline<Derived, Loop>*>)
      static_cast<deadline<Derived, Loop>&>(derived()).clear_deadline();
    core().remove_closed(*this, detail::defines_handle_closed<Derived>());
  }

  void handle_read_event() {
    static_assert(!detail::defines_handle_data<Derived>(),
                  "asyncore: handle_data needs a kind that reads, such as file_dispatcher or "
                  "dispatcher; a plain channel defines handle_read");
    if constexpr (detail::defines_handle_read<Derived>()) derived().handle_read();
  }
  void handle_write_event() {
    if constexpr (detail::defines_handle_write<Derived>()) derived().handle_write();
  }
  void handle_expt_event() {
    if constexpr (detail::defines_handle_expt<Derived>()) derived().handle_expt();
  }
  void handle_close_event() {
    if constexpr (detail::defines_handle_close<Derived>())
      detail::observe<Derived>(*loop_, "handle_close", [&] {
        detail::call_handle_close(derived(), this->end_reason());
      });
  }
  /// Both directions are over, or an error is pending.
  void handle_hangup_event() { derived().handle_close_event(); }
  /// The loop drains: has the class finish, or closes.
  void handle_drain_event() {
    if constexpr (detail::defines_handle_drain<Derived>()) {
      derived().handle_drain();
    } else {
      derived().close();
    }
  }

  /// Called when an exception left a hook, which is then `std::current_exception()`, or when the
  /// system refused what the channel needs, which is then `loop().last_error()`. Logs it and
  /// closes the channel.
  ASYNCORE_COLD void handle_error() {
    detail::log_uncaught(type_name<Derived>(), loop_->last_error());
    derived().close();
  }

  /// What the poller is to watch for now: of what the class defines hooks for, what its
  /// predicates say.
  interest wanted_interest() {
    interest possible = interest::none;
    if constexpr (detail::defines_handle_read<Derived>()) possible |= interest::read;
    if constexpr (detail::defines_handle_write<Derived>()) possible |= interest::write;
    if constexpr (detail::defines_handle_expt<Derived>()) possible |= interest::expt;
    return asked(possible);
  }

  /// Customisation points of the channel kinds, called by the loop.
  /// @{
  bool may_read() const noexcept { return detail::defines_handle_read<Derived>(); }
  /// True when there are bytes in front of the end of the stream.
  bool has_unread() { return kind().may_read() && loop_->system().unread(native_handle()) > 0; }
  interest before_wait() { return kind().wanted_interest(); }
  void resume_accepting() noexcept {}
  bool is_connectionless() noexcept {
    return detail::is_connectionless(loop_->system(), native_handle());
  }
  /// There was no memory for its `handle_error`.
  void give_up() noexcept { derived().close(); }
  void abandon() noexcept { del_channel(); }
  /// @}

 protected:
  ~channel() {
    del_channel();
    if (this->has_timers()) [[unlikely]]
      core().drop_timers(*this);
  }

  using state_bits = std::uint16_t;

  /// The second face of the loop.
  using core_type = channel_access::core_of<Loop>;
  core_type& core() const noexcept { return channel_access::core(*loop_); }

  /// Of `possible`, what the predicates say, which may close or destroy the channel.
  interest asked(interest possible) {
    [[maybe_unused]] core_type& loop = core();
    [[maybe_unused]] const token id = this->id();
    interest wanted = possible & interest::expt;
    if (any(possible, interest::read) && detail::ask_readable(derived())) wanted |= interest::read;
    if constexpr (detail::asks_readable<Derived> && detail::asks_writable<Derived>)
      if (!loop.alive(id)) return interest::none;
    if (any(possible, interest::write) && detail::ask_writable(derived()))
      wanted |= interest::write;
    return wanted;
  }

  /// What the last hook is told; a kind that can drop something has its own.
  friend close_info info_of(const channel& c) noexcept { return {c.end_reason()}; }

  Derived& derived() noexcept { return static_cast<Derived&>(*this); }
  const Derived& derived() const noexcept { return static_cast<const Derived&>(*this); }

  /// The channel as its kind: for what is no hook, and what the class may have hidden.
  auto& kind() noexcept { return static_cast<detail::kind_of<Derived>&>(derived()); }
  const auto& kind() const noexcept {
    return static_cast<const detail::kind_of<Derived>&>(derived());
  }

 private:
  static constexpr auto type_of_class() noexcept {
    if constexpr (detail::is_its_channel<Derived, channel>()) {
      return core_type::template type_of<Derived>();
    } else {
      return typename Loop::type_ref{};  // `check` stops the compilation
    }
  }
  static void check() noexcept {
    static_assert(detail::is_its_channel<Derived, channel>(),
                  "asyncore: pass the class itself as the first template argument of its base, as "
                  "in `struct server : asyncore::dispatcher<server>`");
    if constexpr (detail::is_its_channel<Derived, channel>()) {
      static_assert(std::is_convertible_v<Derived*, channel*>,
                    "asyncore: derive publicly from the channel kind");
      if constexpr (std::is_convertible_v<Derived*, channel*>) {
        detail::check_predicates<Derived>();
        detail::check_kind_hooks<Derived, Loop>();
      }
    }
  }

  // Of the kinds above; here because the registration before it leaves room.
 protected:
  state_bits state_ = 0;

 private:
  Loop* loop_;
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// Anything that a loop can watch: the root of the channel kinds.
#ifndef ASYNCORE_CHANNEL_HPP
#define ASYNCORE_CHANNEL_HPP

#include <asyncore/channel_operations.hpp>
#include <asyncore/concept/hooks.hpp>
#include <asyncore/concept/kind.hpp>
#include <asyncore/concept/kind_hooks.hpp>
#include <asyncore/concept/predicates.hpp>
#include <asyncore/error.hpp>
#include <asyncore/log.hpp>
#include <asyncore/registration.hpp>

#include <type_traits>

namespace asyncore {

/// Watches a descriptor that somebody else owns, and calls `handle_read`, `handle_write`,
/// `handle_expt` and `handle_close` of `Derived`, each only if it is defined. What the loop calls
/// are the entry points `handle_*_event`; the channel kinds above give them more to do.
template <class Derived, class Loop>
class channel : public registration<typename Loop::type_ref> {
  friend detail::kind_tag<channel, detail::calls_nothing_else> asyncore_kind(channel*) {
    return {};
  }

 public:
  using loop_type = Loop;

  /// A channel of `loop` that watches nothing yet.
  explicit channel(Loop& loop) noexcept
      : registration<typename Loop::type_ref>(type_of_class()), loop_(&loop) {
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
    loop_->add(*this, detail::mode_of<Derived>() == predicate_mode::every_turn, failed);
  }

  /// Leaves the map; the descriptor stays open. An owned channel lives on until it closes or its
  /// loop ends.
  void del_channel() noexcept {
    if (this->registered()) loop_->remove(*this);
  }

  /// Has the predicates asked before the next wait: to be called when an answer has changed
  /// outside of the channel's own hooks (see `ask_on_rearm`). Constant time.
  void rearm() noexcept { loop_->visit_before_wait(*this); }

  /// For a listening socket that channels of several loops watch, each by a duplicate of its own:
  /// when a connection comes, the kernel wakes at least one of the loops, and not all, where the
  /// poller can say so (see `epoll_poller::add_exclusive`). To be called before the loop's next
  /// wait.
  void watch_exclusively() noexcept { this->set_exclusive(); }

  /// Leaves the loop for good, and has no deadline any more. An owned channel is destroyed at the
  /// end of the turn.
  void close() noexcept {
    if constexpr (std::is_convertible_v<Derived*, deadline<Derived, Loop>*>)
      static_cast<deadline<Derived, Loop>&>(derived()).clear_deadline();
    loop_->remove_closed(*this);
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
      detail::observe<Derived>(*loop_, "handle_close", [&] { derived().handle_close(); });
  }
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
  interest before_wait() { return kind().wanted_interest(); }
  void resume_accepting() noexcept {}
  /// A hook threw what says that the peer is gone.
  void disconnected() {
    if constexpr (detail::defines_handle_close<Derived>()) {
      derived().handle_close_event();
    } else {
      derived().handle_error();
    }
  }
  void abandon() noexcept { del_channel(); }
  /// @}

 protected:
  ~channel() { del_channel(); }

  using state_bits = std::uint16_t;

  /// Of `possible`, what the predicates say, which may close or destroy the channel.
  interest asked(interest possible) {
    [[maybe_unused]] Loop& loop = *loop_;
    [[maybe_unused]] const token id = this->id();
    interest wanted = possible & interest::expt;
    if (any(possible, interest::read) && detail::ask_readable(derived())) wanted |= interest::read;
    if constexpr (detail::asks_readable<Derived> && detail::asks_writable<Derived>)
      if (!loop.alive(id)) return interest::none;
    if (any(possible, interest::write) && detail::ask_writable(derived()))
      wanted |= interest::write;
    return wanted;
  }

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
      return Loop::template type_of<Derived>();
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

// SPDX-License-Identifier: BSL-1.0
/// Protocols made of pieces that end in a terminator.
#ifndef ASYNCORE_ASYNC_CHAT_HPP
#define ASYNCORE_ASYNC_CHAT_HPP

#include <asyncore/chat/pending_output.hpp>
#include <asyncore/chat/producer.hpp>
#include <asyncore/chat/splitter.hpp>
#include <asyncore/chat/terminator.hpp>
#include <asyncore/concept/chat_seams.hpp>
#include <asyncore/dispatcher_with_send.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace asyncore {

namespace detail {
/// Integers that do not count anything.
template <class T>
inline constexpr bool is_character =
    std::is_same_v<T, bool> || std::is_same_v<T, char> || std::is_same_v<T, wchar_t> ||
    std::is_same_v<T, char8_t> || std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;
}  // namespace detail

/// Python's `asynchat.async_chat`. `Derived` defines `collect_incoming_data(span)`, which is given
/// what arrives, in pieces and without terminators, in memory that is valid until it returns; and
/// `found_terminator()`, which is called at each terminator and may set another one. What these
/// throw reaches `handle_error`, and if that leaves the channel open, what is behind the bytes that
/// they were given follows before the next wait. What is pushed leaves in its order; producers are
/// asked when the connection takes more.
///
/// Many pieces may lie in what was received at once. When much has been pushed, it is sent between
/// two calls of these hooks, and `handle_high_water` and `handle_low_water` are called there. No
/// piece is given out while reading is paused: it is kept, and neither new bytes nor the end of the
/// stream overtake it.
template <class Derived, class Loop = default_loop, class Transport = socket_transport>
class async_chat : public dispatcher_with_send<Derived, Loop, Transport> {
  friend detail::kind_tag<async_chat, detail::socket_calls<Transport> | detail::calls_watermarks |
                                           detail::calls_terminator> asyncore_kind(async_chat*) {
    return {};
  }
  using base = dispatcher_with_send<Derived, Loop, Transport>;

 public:
  using base::base;

  /// What ends a piece from now on, also for what has been received and not been given out yet.
  /// A string, which is not given out itself; a number of bytes; or nothing: what arrives is
  /// given out at once. An empty string and 0 mean nothing, as in Python; a single char is a
  /// string. Throws `std::system_error`: `invalid_argument` for a negative number,
  /// `value_too_large` for one above the largest ptrdiff_t; bad_alloc for a string. Then nothing
  /// has changed.
  /// @{
  void set_terminator(std::string_view text) { input_.set_text(text); }
  void set_terminator(const char* text) { input_.set_text(text); }
  void set_terminator(std::nullptr_t) noexcept { input_.set_number(0); }
  void set_terminator(std::nullopt_t) noexcept { input_.set_number(0); }
  void set_terminator(const terminator& what) {
    if (what.text.empty()) return set_terminator(what.count);
    set_terminator(what.text);
  }
  template <std::same_as<char> Char>
  void set_terminator(Char text) {
    input_.set_text({&text, 1});
  }
  template <std::integral Number>
    requires(!detail::is_character<Number>)
  void set_terminator(Number count) {
    if constexpr (std::is_signed_v<Number>)
      if (count < 0)
        detail::throw_error(std::make_error_code(std::errc::invalid_argument),
                            "set_terminator: the number of bytes is negative");
    if (static_cast<std::uint64_t>(count) >
        static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()))
      detail::throw_error(std::make_error_code(std::errc::value_too_large),
                          "set_terminator: the number of bytes is too large");
    input_.set_number(static_cast<std::uint64_t>(count));
  }
  /// @}

  /// What ends a piece; of a number, what is left of it.
  terminator get_terminator() const { return input_.get(); }

  /// Sends all of `bytes` behind what has been pushed, as `dispatcher_with_send::send` does;
  /// `closed` after `close_when_done`.
  /// @{
  io_result push(bytes_view bytes) {
    if (pending_.empty() && !pending_.ends()) [[likely]] {
      if (base::stages(bytes)) [[likely]]
        return io_result(static_cast<std::ptrdiff_t>(bytes.size()));
      input_.hold();
      return base::enqueue(bytes);
    }
    return push_behind(bytes);
  }
  io_result send(bytes_view bytes) { return push(bytes); }
  /// @}

  /// Sends what a producer gives, behind what has been pushed: a class with `more()`, or a pointer
  /// to one such as a unique_ptr. Python's `push_with_producer`. Beyond `producer_limit`,
  /// `handle_out_queue_limit` is called and the producer dropped; outside of a turn it may be asked
  /// at once. After either *this may be gone. What a producer throws reaches `handle_error`, or the
  /// caller outside of a turn; it is asked again when the connection takes more.
  template <class Producer>
    requires producer<std::remove_cvref_t<Producer>> ||
             producer_pointer<std::remove_cvref_t<Producer>>
  void push_with_producer(Producer&& source) {
    if (this->native_handle() < 0 || pending_.ends()) return;
    if (base::has(base::write_over | base::is_leaving | base::is_ending)) return;
    if (pending_.producers() >= this->derived().producer_limit) {
      base::limit_reached();
      return;
    }
    pending_.push_producer(std::forward<Producer>(source));
    if (pending_.producers() >= most_producers_waiting) input_.hold();
    base::send_soon();
  }
  void push_with_producer(bytes_view bytes) { push(bytes); }

  /// Stops giving out what has been received, and reading more, until `resume_reading` (see
  /// `io_channel`). From inside of the hooks, too: the next piece waits.
  void pause_reading() noexcept {
    base::pause_reading();
    input_.hold();
  }

  /// Calls `handle_close`, which closes, when all that has been pushed is sent; what is pushed
  /// later is dropped. With a linger time above zero, that of the class or the one given, it lingers
  /// before that (see `dispatcher_with_send`). When the channel leaves already, nothing changes.
  /// @{
  void close_when_done() { end_behind(this->derived().linger_time); }
  template <class Rep, class Period>
  void close_when_done(std::chrono::duration<Rep, Period> linger) {
    end_behind(detail::in_nanoseconds(linger));
  }
  /// @}

  /// Drops what has been received and not given out, and what has been pushed and not been sent,
  /// a `close_when_done` too.
  void discard_buffers() noexcept {
    input_.discard();
    base::forget_output();
    pending_.clear(this->core().buffers().blocks());
    this->state_ &= static_cast<typename base::state_bits>(~base::is_blocked);
    this->rearm();
  }

  /// The bytes that wait to be sent, not counting what producers will give.
  std::size_t queued() const noexcept { return base::queued() + pending_.size(); }

  // What a class may define its own of, as a constant or as a member:

  /// Bytes received at a time, at most; from 1 to the size of the loop's buffer, which all channels
  /// share.
  static constexpr std::size_t ac_in_buffer_size = receive_buffer::size;

  /// Bytes sent at a time, at most; at least 1.
  static constexpr std::size_t ac_out_buffer_size = 65536;

  /// More bytes than this are not collected while a string terminator does not come, so that a
  /// peer cannot fill the memory.
  static constexpr std::size_t incoming_limit = std::size_t{1} << 20;

  /// How long a peer has to end when all is sent after `close_when_done`. Zero, as in Python: it is
  /// closed at once, and if it has sent what was not read, a reset may cut off the last reply.
  static constexpr std::chrono::nanoseconds linger_time{0};

  /// More producers than this do not wait.
  static constexpr std::size_t producer_limit = 1024;

  /// Called when more bytes than the limit have been collected. Logs it and closes. If a class's
  /// own does not close, it is called again after as many more.
  void handle_incoming_limit() {
    this->derived().log_info(
        detail::joined({"no terminator within the incoming limit, closing channel ",
                        this->kind().description()}),
        "error");
    this->note_reason(EMSGSIZE);
    this->derived().handle_close_event();
  }

  /// Called at the end of the stream, and when all is sent after `close_when_done`. At the end of
  /// the peer's stream, what has been pushed is sent before the channel closes; otherwise it closes
  /// at once.
  void handle_close() {
    if (!base::finishes_sending()) this->derived().close();
  }

  /// Receives once and gives the input to `handle_data`. A class may define its own, which calls
  /// `recv`, or this one; one that never calls it needs neither `collect_incoming_data` nor
  /// `found_terminator`.
  void handle_read() { this->template deliver_read<true>(); }

  /// Gives the input to the terminator's search.
  void handle_data(std::span<const std::byte> data) {
    static_assert(
        requires(Derived& d) { d.collect_incoming_data(data); },
        "asyncore: async_chat needs a public `void "
        "collect_incoming_data(std::span<const std::byte>)`");
    static_assert(
        requires(Derived& d) { d.found_terminator(); },
        "asyncore: async_chat needs a public `void found_terminator()`");
    if (!input_.feed(data, hooks{this->derived()})) return;
    if (input_.waiting() > this->derived().incoming_limit) [[unlikely]] {
      input_.wait_anew();
      this->derived().handle_incoming_limit();
    }
  }

  void close() noexcept {
    base::close();
    drop_pending();
  }

  /// Gives the socket away (see `dispatcher_with_send`). Drops producers and what is behind them,
  /// and what has been received and not been given out: `found_terminator` that wants that for the
  /// socket's next owner sets no terminator, and releases in `collect_incoming_data`.
  [[nodiscard]] socket release_socket() noexcept {
    socket given = base::release_socket();
    drop_pending();
    return given;
  }

  /// The loop drains (see `channel`): does as `close_when_done`.
  void handle_drain_event() {
    if constexpr (detail::defines_handle_drain<Derived>()) {
      this->derived().handle_drain();
    } else if (this->connected() || this->connecting()) {
      close_when_done();
    } else {
      this->derived().close();
    }
  }
  void handle_read_event() {
    // What is kept comes first: before the next wait.
    if (input_.interrupted()) [[unlikely]]
      return this->rearm();
    // One of its hooks has it read: what it would read comes behind the rest of the input.
    if (input_.splitting()) [[unlikely]]
      return;
    base::handle_read_event();
  }
  interest before_wait() {
    static_assert(detail::check_chat_seams<Derived>());
    if (input_.interrupted() && !this->reading_paused() && !crowded()) [[unlikely]] {
      auto& loop = this->core();
      const token id = this->id();
      if constexpr (splits()) handle_data({});
      if (!loop.alive(id)) return interest::none;
    }
    return base::before_wait();
  }
  interest wanted_interest() {
    const bool reads = !input_.interrupted() || !crowded();
    const interest wanted = base::wanted_interest();
    return reads ? wanted : wanted & (interest::write | interest::expt);
  }
  bool has_unread() { return input_.keeps_input() || base::has_unread(); }
  bool has_output() const noexcept {
    return !base::has(base::write_over) &&
           (!this->queue_.empty() || !pending_.empty() || pending_.ends());
  }
  bool refill() {
    auto& loop = this->core();
    const token id = this->id();
    auto refilled = pending_output::refilled::not_now;
    detail::cleaning_up([&] { refilled = pending_.refill(this->queue_, loop.buffers().blocks()); },
                        [&] {
                          // The producer is asked again when the socket takes more.
                          if (!loop.alive(id) || !has_output()) return;
                          this->state_ |= base::is_blocked;
                          this->rearm();
                        });
    if (refilled == pending_output::refilled::nothing && pending_.take_end()) end();
    return refilled == pending_output::refilled::bytes;
  }
  std::span<std::byte> receive_space(std::span<std::byte> all) {
    const std::size_t most = this->derived().ac_in_buffer_size;
    return all.first(most < all.size() ? at_least_one(most) : all.size());
  }
  std::size_t most_to_send() const noexcept {
    return at_least_one(this->derived().ac_out_buffer_size);
  }
  void drop_unsent() noexcept {
    base::drop_unsent();
    drop_pushed();
  }
  void abandon() noexcept {
    base::abandon();
    drop_pending();
  }

 protected:
  ~async_chat() { pending_.clear(this->core().buffers().blocks()); }

 private:
  /// A member may be anything at run time.
  static constexpr std::size_t at_least_one(std::size_t most) noexcept {
    return most == 0 ? 1 : most;
  }

  /// The hooks as the splitter calls them.
  struct hooks {
    void collect(std::span<const std::byte> piece) const { channel.collect_incoming_data(piece); }
    void found() const { channel.found_terminator(); }
    void interrupted() const noexcept { detail::as_kind(channel).rearm(); }
    bool goes_on() { return detail::as_kind(channel).goes_on(sends_left); }
    Derived& channel;
    int sends_left = most_sends;
  };
  // How often one `feed` sends between two pieces: who asks for much lets others have their turn.
  static constexpr int most_sends = 4;
  // With so many producers it sends.
  static constexpr std::size_t most_producers_waiting = 16;

  ASYNCORE_NOINLINE io_result push_behind(bytes_view bytes) {
    if (pending_.ends() || base::has(base::is_ending)) return io_result::end();
    input_.hold();
    if (queued() > this->derived().out_queue_limit) return base::limit_reached();
    pending_.push_bytes(bytes, this->core().buffers().blocks());
    this->rearm();  // for the watermarks
    return io_result(static_cast<std::ptrdiff_t>(bytes.size()));
  }

  /// Between two pieces, after a hook that has sent much or paused: gives the socket what it takes.
  /// Returns whether the next piece may follow now; false, too, when `*this` may be gone.
  ASYNCORE_NOINLINE bool goes_on(int& sends_left) {
    const bool much = !base::has(base::is_blocked) &&
                      (pending_.producers() >= most_producers_waiting ||
                       this->queue_.size() + pending_.size() >= send_stage::capacity);
    auto& loop = this->core();
    if (!base::send_between(much) || this->reading_paused()) return false;
    if (crowded() || (much && --sends_left == 0)) return false;
    return !loop.buffers().stage().has_sent(this->derived().send_budget);
  }

  /// True while producers wait for a socket that takes no more: what is asked for meanwhile would
  /// only make them more.
  bool crowded() const noexcept {
    return base::has(base::is_blocked) && pending_.producers() >= most_producers_waiting;
  }

  /// False for a class that reads by itself and has no hook for lines.
  static consteval bool splits() {
    return !detail::hides_kind_read<Derived> || detail::names_found_terminator<Derived>();
  }

  void end_behind(std::chrono::nanoseconds linger) {
    if (this->native_handle() < 0) return;
    pending_.push_end(linger);
    this->rearm();
  }

  /// All is sent after `close_when_done`.
  void end() {
    if (pending_.linger().count() == 0) return this->derived().handle_close_event();
    input_.stop();
    base::close_when_done(pending_.linger());
  }

  /// Behind what waits before it.
  void drop_pushed() noexcept {
    base::count_loss({pending_.size(), pending_.producers() > 0});
    pending_.clear(this->core().buffers().blocks());
  }
  void drop_pending() noexcept {
    drop_pushed();
    input_.stop();
  }

  splitter input_;
  pending_output pending_;
};

}  // namespace asyncore

#endif

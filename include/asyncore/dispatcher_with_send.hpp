// SPDX-License-Identifier: BSL-1.0
/// A dispatcher whose `send` takes everything.
#ifndef ASYNCORE_DISPATCHER_WITH_SEND_HPP
#define ASYNCORE_DISPATCHER_WITH_SEND_HPP

#include <asyncore/buffer/out_queue.hpp>
#include <asyncore/channel/graceful_closes.hpp>
#include <asyncore/dispatcher.hpp>

#include <cstddef>
#include <limits>

namespace asyncore {

/// Python's `asyncore.dispatcher_with_send`: what the socket does not take waits in an out-queue.
/// What a hook sends is gathered: it leaves in one system call when the channel's own reading hook
/// has returned, else before the loop waits again or the channel is destroyed. Two more hooks that
/// `Derived` may define: `handle_high_water()` is called when more than `high_watermark` bytes wait
/// that the socket did not take, or that wait for the connection, and `handle_low_water()` when of
/// those no more than `low_watermark` are left: time to pause and to resume where the bytes come
/// from. Each is called once before the other.
template <class Derived, class Loop = default_loop, class Transport = socket_transport>
class dispatcher_with_send : public dispatcher<Derived, Loop, Transport> {
  friend detail::kind_tag<dispatcher_with_send,
                          detail::socket_calls<Transport> | detail::calls_watermarks>
  asyncore_kind(dispatcher_with_send*) {
    return {};
  }
  using base = dispatcher<Derived, Loop, Transport>;

 public:
  using base::base;

  /// Takes all of `bytes`, also before the connection is there, and returns their number; `closed`
  /// when the peer is gone; `no_buffer_space` beyond `out_queue_limit`, when
  /// `handle_out_queue_limit` has been called and `*this` may be gone. Outside of a turn it sends
  /// at once, and then `handle_close` may be called and `*this` be gone. Throws bad_alloc.
  io_result send(bytes_view bytes) {
    if (stages(bytes)) [[likely]]
      return io_result(static_cast<std::ptrdiff_t>(bytes.size()));
    return enqueue(bytes);
  }

  /// More bytes than this may not be waiting when more are given to `send`, so that a peer that
  /// does not read costs bounded memory; a class may define its own, and what happens then.
  static constexpr std::size_t out_queue_limit = std::size_t{16} << 20;

  /// When the loop has sent this many bytes of a channel, at least 1, others have their turn first;
  /// a class may define its own, as a constant or as a member.
  static constexpr std::size_t send_budget = std::size_t{128} << 10;

  /// Called when `send` is given bytes beyond the limit, which are dropped. Logs it and closes.
  void handle_out_queue_limit() {
    this->derived().log_info(detail::joined({"out-queue limit reached, closing channel ",
                                             this->kind().description()}),
                             "error");
    this->note_reason(ENOBUFS);
    this->derived().handle_close_event();
  }

  /// When the two hooks are called, in bytes; a class may define its own.
  static constexpr std::size_t high_watermark = std::size_t{64} << 10;
  static constexpr std::size_t low_watermark = std::size_t{16} << 10;

  /// Sends what waits now, as far as the socket takes it, instead of at the end of the hook; not
  /// of a channel that has left its loop (see `del_channel`).
  /// `handle_close` may be called, and `*this` be gone.
  void initiate_send() {
    const typename core_type::hooks_scope hooks(this->core());
    if (base::has(is_blocked)) {
      this->state_ &= static_cast<state_bits>(~is_blocked);
      this->rearm();
    }
    send_queue(everything);
  }

  /// Shuts down a direction (see `dispatcher`). That of sending waits until all that has been given
  /// to `send` is sent, and so does SHUT_RDWR; what is sent later is refused with `closed`, and what
  /// the system says of a shutdown that had to wait is dropped. `handle_close` may be called, and
  /// `*this` be gone.
  void shutdown(int how = SHUT_WR);
  void shutdown(int how, std::error_code& failed);

  /// The number of bytes that wait to be sent.
  std::size_t queued() const noexcept {
    if (this->native_handle() < 0) return 0;
    return queue_.size() + (staging() ? this->core().buffers().stage().size() : 0);
  }

  /// Closes well: what has been sent leaves, however long that takes, then the sending side is shut
  /// down, and what the peer still sends is read and dropped until its end, so that no reset cuts
  /// off what it has not read yet (RFC 9112, 9.6); then `handle_close` is called. A peer that does
  /// not end within `linger_time` to twice that is closed. What is sent later is dropped, and no
  /// more is given to the class. Throws bad_alloc.
  void close_when_done() {
    if (leave()) watch_lingering(this->derived().linger_time);
  }
  /// The same with a linger time of its own, as in `close_when_done(200ms)`. When the channel leaves
  /// already, nothing changes.
  template <class Rep, class Period>
  void close_when_done(std::chrono::duration<Rep, Period> linger) {
    if (leave()) watch_lingering(detail::in_nanoseconds(linger));
  }

  /// How long a peer has to end when it has been told that there is no more; a class may define
  /// its own.
  static constexpr std::chrono::nanoseconds linger_time = std::chrono::seconds(5);

  /// Closes at once, the contrary of `close_when_done`: drops what waits, here and in the kernel,
  /// and a TCP peer gets a reset.
  void abort() noexcept;

  /// Gives the socket what it takes of the bytes that wait, drops the rest and closes. In a forked
  /// process it only closes: what waits is the other one's to send.
  void close() noexcept {
    if (this->native_handle() >= 0) drop_output();
    base::close();
  }

  /// Gives the socket away (see `dispatcher`), after all of what waits that the socket takes now;
  /// the rest is dropped, and the last hook is told how much that is.
  [[nodiscard]] socket release_socket() noexcept {
    if (this->native_handle() >= 0) drop_output();
    return base::release_socket();
  }

  /// Called when the peer is gone (see `io_channel`). At the end of the peer's stream, what waits
  /// is sent before the channel closes, however long that takes; after an error, and when nothing
  /// waits, it closes at once.
  void handle_close() {
    if (!finishes_sending()) base::handle_close();
  }

  /// Leaves the map (see `channel`); what waits is sent when the channel has entered it again.
  /// Throws bad_alloc.
  void del_channel() {
    if (this->native_handle() >= 0 && staging()) unstage();
    if (base::has(is_leaving)) this->core().forget(this->id());
    base::del_channel();
  }

  void handle_read_event();

  void handle_write_event();

  /// The loop drains (see `channel`): leaves as by `close_when_done`, until the loop closes it.
  void handle_drain_event();
  interest wanted_interest() {
    if (base::has(is_leaving)) [[unlikely]]
      return leaving_interest();
    [[maybe_unused]] auto& loop = this->core();
    [[maybe_unused]] const token id = this->id();
    interest wanted = base::wanted_interest();
    if constexpr (detail::mode_of<Derived>() != predicate_mode::constant)
      if (!loop.alive(id)) return interest::none;  // a predicate destroyed the channel
    if (base::has(base::is_connected) && this->kind().has_output() &&
        !base::has(base::is_starved))
      wanted |= interest::write;
    return wanted;
  }
  /// Customisation points of the kinds above: whether there is something to send, and a way to put
  /// more into the queue when it is empty; `refill` returns false when there is no more, or when
  /// the channel has closed. How many bytes are sent at a time, at most. And what drops all that
  /// has not been sent, because nothing can be any more.
  /// @{
  bool has_output() const noexcept { return !queue_.empty(); }
  bool refill() { return false; }
  std::size_t most_to_send() const noexcept { return everything; }
  void drop_unsent() noexcept { drop_queue(0); }
  /// @}
  interest before_wait();
  void resume_accepting() noexcept;
  void abandon() noexcept {
    if (this->native_handle() >= 0) drop_output();
    base::abandon();
  }

 protected:
  using typename base::core_type;
  using typename base::state_bits;
  static constexpr state_bits is_blocked = base::first_free_bit;  // the socket took no more
  static constexpr state_bits is_high = base::first_free_bit << 1;  // handle_high_water was called
  static constexpr state_bits is_leaving = base::first_free_bit << 2;    // close_when_done
  static constexpr state_bits is_lingering = base::first_free_bit << 3;  // and all is sent
  static constexpr state_bits is_yielding = base::first_free_bit << 4;  // is_blocked, by its budget
  static constexpr state_bits is_ending = base::first_free_bit << 5;  // a shutdown waits
  static constexpr state_bits first_free_bit = base::first_free_bit << 6;

  // Without a descriptor there is no output, and the loop may be gone.
  ~dispatcher_with_send() {
    if (this->native_handle() >= 0) drop_output();
  }

  /// Sends at the end of the hook or turn that is under way; at once when there is none, and then
  /// returns false if the peer turned out to be gone (`*this` may be gone, too).
  bool send_soon();

  /// The default of `handle_close`: at the end of the peer's stream, has what waits sent first.
  /// False: it is to close now. Throws bad_alloc.
  bool finishes_sending();

  /// Reports the limit; `*this` may be gone afterwards.
  ASYNCORE_COLD io_result limit_reached() {
    this->derived().handle_out_queue_limit();
    return io_result(-ENOBUFS);
  }

  /// Adds bytes to what the reading hook under way sends; false when there is no such hook, or no
  /// room.
  bool stages(bytes_view bytes) {
    return this->native_handle() >= 0 && staging() && this->core().buffers().stage_bytes(bytes);
  }
  io_result enqueue(bytes_view bytes);

  bool send_between(bool much);

  /// Drops what waits, and counts it as lost; `more` bytes were there beside it.
  void drop_queue(std::size_t more) noexcept;
  /// Remembers for the last hook what was dropped. Called while the queue is empty.
  void count_loss(out_queue::loss lost) noexcept;
  /// Drops what waits, as the program wishes.
  void forget_output() noexcept {
    this->core().buffers().stage().take_failure(this);
    if (staging()) this->core().buffers().stage().give_up();
    queue_.clear(this->core().buffers().blocks());
  }

  friend close_info info_of(const dispatcher_with_send& c) noexcept {
    const out_queue::loss lost = c.counts_loss() ? c.queue_.kept() : out_queue::loss{};
    return {c.end_reason(), lost.bytes, lost.producers};
  }

  out_queue queue_;

 private:
  /// True while the channel's own reading hook runs and what it sends gathers on the stage.
  bool staging() const noexcept { return this->core().buffers().stage().belongs_to(this); }

  /// Makes the stage the channel's; false when it is another's, or there are no buffers yet.
  bool opens_stage() {
    if constexpr (base::receives_data())
      if (!this->core().buffers().own().made()) return false;  // or lent
    return this->core().buffers().stage().open(this);
  }
  /// Moves what is on the stage to the queue, in the middle of the hook.
  void unstage() { keep(this->core().buffers().stage().give_up()); }
  void keep(bytes_view bytes);

  /// Reads while the stage is open, which says that the loop's buffer is in use.
  [[gnu::always_inline]] void deliver_staged() {
    if constexpr (base::receives_data()) {
      this->deliver_into(this->core().buffers().own().bytes());
    } else {
      this->deliver_read();
    }
  }

  /// Sends what a hook has sent, in one system call; false: see `keep_unsent`.
  bool send_staged(bytes_view bytes) {
    std::ptrdiff_t n = 0;
    if (bytes.size() <= this->kind().most_to_send()) [[likely]] {
      n = Transport::send(this->loop().system(), this->native_handle(),
                          std::span<const std::byte>(bytes));
      if (n == static_cast<std::ptrdiff_t>(bytes.size())) [[likely]]
        return true;
    }
    return keep_unsent(bytes, n);
  }
  bool sends_stage();
  void send_inside();
  bool keep_unsent(bytes_view bytes, std::ptrdiff_t sent);
  void read_unstaged();
  void reading_threw();
  void stage_given_up(core_type& loop, token id);
  void send_unstaged(core_type& loop, token id);
  void send_unblocked();
  void look_for_room() noexcept;
  bool takes_no_more(std::ptrdiff_t n) noexcept;
  void send_later() noexcept;

  static consteval bool has_watermarks() {
    return detail::defines_handle_high_water<Derived>() ||
           detail::defines_handle_low_water<Derived>();
  }
  /// True when the class has no output but the queue, which is empty while the stage is open.
  static consteval bool has_only_queue() {
    return std::is_same_v<decltype(&detail::kind_of<Derived>::has_output),
                          decltype(&dispatcher_with_send::has_output)>;
  }
  friend bool will_close(const dispatcher_with_send& c) noexcept { return c.has(is_leaving); }
  bool leave();
  void end_stream();
  interest leaving_interest() noexcept;
  void start_lingering();
  void drop_input();
  void end_lingering();
  void watch_lingering(std::chrono::nanoseconds linger);
  static void look_at_lingering(timed<core_type>& node, core_type* loop);
  void check_high_water();
  bool check_low_water();

  void send_queue(std::size_t budget);
  std::ptrdiff_t send_some(std::size_t most);
  void send_failed(std::ptrdiff_t error);
  void drop_output() noexcept;
  std::size_t send_last(bytes_view bytes) noexcept;

  static constexpr std::size_t everything = std::numeric_limits<std::size_t>::max();
  // How often one visit refills the queue: an endless producer must not keep the loop.
  static constexpr int most_refills = 16;
};

/// The hot path of a server: what is rare stands elsewhere, so that this is part of the turn.
template <class Derived, class Loop, class Transport>
[[gnu::always_inline]] inline void
dispatcher_with_send<Derived, Loop, Transport>::handle_read_event() {
  auto& loop = this->core();
  if (base::has(base::is_accepting | base::is_paused | base::write_over | is_leaving) ||
      this->kind().has_output() || !opens_stage()) [[unlikely]]
    return read_unstaged();
  const token id = this->id();
  [[maybe_unused]] const receive_view<ASYNCORE_DEBUG != 0> view(loop.buffers().own());
  // A channel that closes, leaves the loop or is destroyed gives the stage up.
  detail::cleaning_up([&]() ASYNCORE_INLINE { deliver_staged(); },
                      [&] {
                        if (loop.buffers().stage().belongs_to(this)) return reading_threw();
                        loop.buffers().stage().close();
                      });
  if (!loop.buffers().stage().belongs_to(this)) [[unlikely]]
    return stage_given_up(loop, id);
  if (const bytes_view bytes = loop.buffers().stage().take(); !bytes.empty()) [[likely]]
    if (!send_staged(bytes)) [[unlikely]]
      return;
  if constexpr (!has_only_queue())
    if (this->kind().has_output()) send_unblocked();
}

template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::handle_write_event() {
  if (base::has(base::is_connecting)) return base::handle_write_event();
  auto& loop = this->core();
  const token id = this->id();
  if (this->kind().has_output()) {
    this->state_ &= static_cast<state_bits>(~is_blocked);
    send_queue(this->derived().send_budget);
    if (!loop.alive(id)) return;
    this->rearm();
  }
  if constexpr (detail::defines_handle_write<Derived>())
    if (detail::ask_writable(this->derived()) && loop.alive(id)) this->derived().handle_write();
}

template <class Derived, class Loop, class Transport>
interest dispatcher_with_send<Derived, Loop, Transport>::before_wait() {
  // No hook runs now; one that left the loop and entered it again has left this behind.
  if (staging()) unstage();
  [[maybe_unused]] auto& loop = this->core();
  [[maybe_unused]] const token id = this->id();
  if (this->kind().has_output() && !base::has(is_blocked)) {
    send_queue(this->derived().send_budget);
    if (!loop.alive(id)) return interest::none;
  }
  if constexpr (has_watermarks()) {
    // What was sent while the socket took nothing.
    if (base::has(is_blocked | base::is_connecting)) check_high_water();
    if (!loop.alive(id)) return interest::none;
    // What was dropped, because it cannot be sent any more, waits no more either.
    if (!check_low_water()) return interest::none;
  }
  if (base::has(is_leaving) && !base::has(is_lingering)) [[unlikely]] {
    start_lingering();
    if (!loop.alive(id)) return interest::none;
  }
  if (base::has(is_ending) && !this->kind().has_output()) [[unlikely]]
    end_stream();
  return this->kind().wanted_interest();
}

}  // namespace asyncore

#include <asyncore/channel/graceful_close.hpp>
#include <asyncore/channel/sending.hpp>
#include <asyncore/channel/watermarks.hpp>

#endif

// SPDX-License-Identifier: BSL-1.0
/// A channel that owns its descriptor, reads and writes it: what sockets and files share.
#ifndef ASYNCORE_CHANNEL_IO_CHANNEL_HPP
#define ASYNCORE_CHANNEL_IO_CHANNEL_HPP

#include <asyncore/buffer/cork.hpp>
#include <asyncore/buffer/receive_buffer.hpp>
#include <asyncore/channel.hpp>
#include <asyncore/sys/error_queue.hpp>
#include <asyncore/sys/unique_fd.hpp>
#include <asyncore/word/bytes.hpp>
#include <asyncore/word/io_result.hpp>

#include <span>
#include <string>
#include <string_view>

namespace asyncore {

/// Reads and writes through `Transport`, and tells `Derived` of the end by `handle_close`, once.
/// `Derived` receives in one of two ways: it defines `handle_data(std::span<const std::byte>)`,
/// which is given bytes in a buffer of the loop that are valid until it returns; or it defines
/// `handle_read()` and calls `recv`.
template <class Derived, class Loop, class Transport>
class io_channel : public channel<Derived, Loop> {
  friend detail::kind_tag<io_channel> asyncore_kind(io_channel*) { return {}; }

 public:
  using channel<Derived, Loop>::channel;

  /// Reads at most `into.size()` bytes. At the end of the stream, and when the peer is gone, calls
  /// `handle_close` (`*this` may be gone) and returns `closed`. Another error is returned.
  [[nodiscard]] io_result recv(std::span<std::byte> into) {
    const std::ptrdiff_t n =
        Transport::receive(this->loop().system(), this->native_handle(), into);
    if (n > 0) [[likely]]
      return io_result(n);
    return received_nothing(n, into.empty());
  }

  /// Writes what the descriptor takes now: `bytes()` of the result may be fewer than given, and
  /// `would_block` says none. When the peer is gone, calls `handle_close` (`*this` may be gone)
  /// and returns `closed`; if bytes that it sent have not been read yet and the class reads,
  /// `handle_close` follows behind them. Another error is returned. Who does not look at the result
  /// loses what was not written: `dispatcher_with_send` keeps it.
  [[nodiscard]] io_result send(bytes_view bytes) {
    const std::ptrdiff_t n =
        Transport::send(this->loop().system(), this->native_handle(),
                        std::span<const std::byte>(bytes));
    if (n >= 0) [[likely]]
      return io_result(n);
    return write_failed(n);
  }

  /// Reads no more until `resume_reading`: what the peer sends waits in the kernel, whose flow
  /// control stops the peer in the end. What this turn has found ready is not read any more
  /// either; a hangup is not told while there are bytes before it. A listener does not accept
  /// meanwhile. Takes effect at once, in or outside of a hook; constant time.
  void pause_reading() noexcept {
    state_ |= is_paused;
    this->rearm();
  }
  /// Reads again, from the next turn on.
  void resume_reading() noexcept {
    state_ &= static_cast<state_bits>(~is_paused);
    this->rearm();
  }
  bool reading_paused() const noexcept { return (state_ & is_paused) != 0; }

  /// Leaves the loop, then closes the descriptor (law 6). An owned channel is destroyed at the
  /// end of the turn; until then it may be given another descriptor.
  void close() noexcept {
    this->channel<Derived, Loop>::close();
    close_descriptor();
  }

  /// Called when the peer is gone. Logs it as a warning, which `ignore_log_types` hides unless the
  /// class says otherwise, and closes. A class may define `void handle_close()` or
  /// `void handle_close(std::error_code reason)`. The reason is empty at the end of the peer's
  /// stream and when all is sent after `close_when_done`; else it is the error that ended the
  /// connection. A class's own calls `close` or `close_when_done`, at once or when it has sent the
  /// rest: a channel that never closes keeps its descriptor until its loop ends. A debug build logs
  /// it when the hook left the channel open with nothing to wait for.
  void handle_close() {
    this->derived().log_info("unhandled close event", "warning");
    this->derived().close();
  }

  /// Called when an exception left a hook (see `channel`). Logs it and calls `handle_close`; when
  /// that has been called already, closes.
  ASYNCORE_COLD void handle_error() {
    log_error("uncaught exception, closing channel ");
    if ((state_ & close_reported) != 0) return this->derived().close();
    this->derived().handle_close_event();
  }

  [[gnu::always_inline]] void handle_read_event() {
    if (!reading_paused()) [[likely]]
      deliver_read();
  }
  void handle_write_event() {
    if constexpr (detail::defines_handle_write<Derived>()) this->derived().handle_write();
  }

  /// Calls `handle_close`, the first time for this descriptor.
  void handle_close_event() {
    static_assert(detail::defines_handle_close<Derived>());
    if ((state_ & close_reported) != 0) return;
    state_ |= close_reported;
    this->core().ask_again();
    auto& loop = this->core();
    [[maybe_unused]] const token id = this->id();
    const typename core_type::hooks_scope hooks(loop);
    detail::observe<Derived>(loop, "handle_close", [&] {
      detail::call_handle_close(this->derived(), this->end_reason());
    });
    if constexpr (ASYNCORE_DEBUG != 0)
      if (loop.alive(id)) log_if_forgotten();
  }

  /// Writes `message` to the log. A class may define its own: one that takes a string_view is
  /// called instead.
  void log(std::string_view message) { asyncore::log(message); }

  /// Logs `message` with its type, unless that is one of `ignore_log_types`.
  ASYNCORE_NOINLINE void log_info(std::string_view message, std::string_view type = "info") {
    for (const std::string_view ignored : Derived::ignore_log_types)
      if (type == ignored) return;
    const std::string line = detail::joined({type, ": ", message});
    if constexpr (requires { this->derived().log(std::string_view(line)); }) {
      this->derived().log(std::string_view(line));
    } else {
      log(line);  // the class has something else of that name
    }
  }

  /// The types of messages that `log_info` drops; a class may define its own array.
  static constexpr std::string_view ignore_log_types[] = {"warning"};

  /// What a log calls the channel, as Python's `repr`.
  ASYNCORE_NOINLINE std::string description() const {
    return detail::joined(
        {"<", type_name<Derived>(), " ", detail::fd_text(this->native_handle()), ">"});
  }

  interest wanted_interest() {
    interest possible = interest::none;
    if constexpr (reads())
      if ((state_ & (read_over | is_paused)) == 0) possible |= interest::read;
    if constexpr (detail::defines_handle_write<Derived>())
      if ((state_ & write_over) == 0) possible |= interest::write;
    if constexpr (detail::defines_handle_expt<Derived>())
      if ((state_ & read_over) == 0) possible |= interest::expt;
    return this->asked(possible);
  }
  bool may_read() const noexcept { return reads() && (state_ & read_over) == 0; }
  /// Customisation point of the kinds above: the kernel is short of memory; returns whether the
  /// channel reads again by itself when that may be over.
  bool reads_later() noexcept { return false; }
  /// Customisation point of the kinds above: how much of `buffer` is received into.
  std::span<std::byte> receive_space(std::span<std::byte> buffer) { return buffer; }
  void abandon() noexcept {
    this->del_channel();
    close_descriptor();
  }

 protected:
  using typename channel<Derived, Loop>::core_type;
  using typename channel<Derived, Loop>::state_bits;
  using channel<Derived, Loop>::state_;
  static constexpr state_bits close_reported = 1;  // handle_close has been called
  static constexpr state_bits read_over = 2;       // the stream has no more to read
  static constexpr state_bits write_over = 4;      // the stream takes no more
  static constexpr state_bits is_datagram = 8;     // an empty message is not an end
  static constexpr state_bits is_paused = 16;      // by `pause_reading`
  static constexpr state_bits first_free_bit = 32; // for the kinds above

  ~io_channel() { abandon(); }

  /// True when the class receives, in either way.
  static consteval bool reads() {
    static_assert(!(detail::defines_handle_read<Derived>() &&
                    detail::defines_handle_data<Derived>()) ||
                      detail::kind_receives<Derived>,
                  "asyncore: a channel receives by handle_data or by handle_read: define one");
    return detail::defines_handle_read<Derived>() || detail::defines_handle_data<Derived>();
  }

  /// Logs the error that `handle_error` has been called for.
  ASYNCORE_COLD void log_error(std::string_view what) {
    const std::error_code code = this->loop().last_error();
    detail::log_if_memory([&] {
      this->derived().log_info(detail::joined({what, this->kind().description(), ": ",
                                               detail::current_error_text(code)}),
                               "error");
    });
  }

  /// True when the class is given bytes, by its own `handle_data` or by that of its kind.
  static consteval bool receives_data() {
    return detail::defines_handle_data<Derived>() && !detail::hides_kind_read<Derived>;
  }

  /// Gives the class what there is to read. What `handle_data` is given stays as it is until it
  /// returns, whatever else it has read meanwhile (law 13). `AsData`: to `handle_data` in any case.
  template <bool AsData = false>
  [[gnu::always_inline]] void deliver_read() {
    if constexpr (AsData || receives_data()) {
      auto& loop = this->core();
      if (!loop.buffers().own().made() || !loop.buffers().stage().open_for_nobody()) [[unlikely]]
        return deliver_lent();
      const send_stage::open_scope scope(loop.buffers().stage());
      [[maybe_unused]] const receive_view<ASYNCORE_DEBUG != 0> view(loop.buffers().own());
      deliver_into(loop.buffers().own().bytes());
    } else if constexpr (detail::defines_handle_read<Derived>()) {
      this->derived().handle_read();
    }
  }

  /// The same in the middle of another hook, and for the first one of a loop.
  ASYNCORE_NOINLINE void deliver_lent() {
    const auto loan = this->core().buffers().lend();
    deliver_into(loan.bytes());
  }

  /// The same in a buffer that nobody else is given meanwhile.
  [[gnu::always_inline]] void deliver_into(std::span<std::byte> all) {
    const std::span<std::byte> buffer = this->kind().receive_space(all);
    const std::ptrdiff_t n =
        Transport::receive(this->loop().system(), this->native_handle(), buffer);
    if (n > 0) [[likely]] {
      detail::hide(all.subspan(static_cast<std::size_t>(n)));
      give_data(buffer.first(static_cast<std::size_t>(n)));
    } else if (const io_result got = received_nothing(n, buffer.empty()); !got.closed()) {
      received_no_bytes(got);
    }
  }

  [[gnu::always_inline]] void give_data([[maybe_unused]] std::span<const std::byte> data) {
    if constexpr (detail::defines_handle_data<Derived>()) this->derived().handle_data(data);
  }

  /// What a failed send comes to.
  ASYNCORE_COLD io_result write_failed(std::ptrdiff_t error) {
    const int code = static_cast<int>(-error);
    if (!is_disconnect(code)) return io_result(error);
    if (this->native_handle() < 0) return io_result::end();
    this->note_reason(code);
    if ((state_ & close_reported) != 0) {  // it stayed to send the rest: no hook would follow
      this->derived().close();
      return io_result::end();
    }
    state_ |= write_over;
    this->rearm();
    // The tail of the stream comes before its end (law 3).
    if (!this->kind().has_unread()) this->derived().handle_close_event();
    return io_result::end();
  }

  /// Nothing is there to be read. Where a poller cannot tell an error from something to read, it
  /// may be the socket's error queue that it reports. That of a class with `handle_expt` is its own.
  void clear_hidden_errors() noexcept {
    if constexpr (requires { Loop::poller_type::hides_errors; })
      if constexpr (!detail::defines_handle_expt<Derived>())
        detail::drop_errors(this->loop().system(), this->native_handle());
  }

  /// Leaves the loop for good, with the descriptor open; no longer the channel's.
  unique_fd release_descriptor() noexcept {
    const int fd = this->native_handle();
    this->channel<Derived, Loop>::close();
    this->set_descriptor(-1);
    return unique_fd(fd, this->loop().system().closer());
  }

  void close_descriptor() noexcept {
    const int fd = this->native_handle();
    if (fd < 0) return;
    this->set_descriptor(-1);
    this->loop().system().close(fd);
  }

 private:
  ASYNCORE_NOINLINE io_result received_nothing(std::ptrdiff_t n, bool into_nothing) {
    if (io_result(n).would_block()) clear_hidden_errors();
    if ((n == 0 && into_nothing) || io_result(n).would_block()) return io_result(n);
    return read_ended(n);
  }

  /// An empty message, nothing yet, or an error.
  ASYNCORE_NOINLINE void received_no_bytes(io_result got) {
    if (got.ok()) return give_data({});
    if (detail::is_shortage(-got.error().value()) && this->kind().reads_later()) return;
    if (got.error()) receive_failed(got.error());
  }

  ASYNCORE_COLD io_result read_ended(std::ptrdiff_t n) {
    if (n == 0 && (state_ & is_datagram) != 0) return io_result(0);
    if (n < 0 && !is_disconnect(static_cast<int>(-n))) return io_result(n);
    if (this->native_handle() < 0) return io_result::end();
    this->note_reason(static_cast<int>(-n));
    state_ |= read_over;
    this->rearm();
    this->derived().handle_close_event();
    return io_result::end();
  }

  ASYNCORE_COLD void receive_failed(std::error_code code) {
    this->core().report_error(*this, code, "recv");
  }

  friend bool will_close(const io_channel&) noexcept { return false; }

  /// `handle_close` has left the channel open, and maybe nothing will ever call one of its hooks.
  ASYNCORE_COLD void log_if_forgotten() {
    Derived& self = this->derived();
    if constexpr (requires { asyncore_has_deadline(self); })
      if (asyncore_has_deadline(self)) return;
    if (will_close(self)) return;
    auto& loop = this->core();
    const token id = this->id();
    bool waits = true;  // what a predicate throws here it will throw when it counts
    detail::guarded([&] { waits = this->kind().wanted_interest() != interest::none; }, [] {});
    if (waits || !loop.alive(id)) return;
    asyncore::log(detail::joined({"asyncore: handle_close has left ", this->description(),
                                  " open: it keeps its descriptor until close() is called"}));
  }
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// A channel that owns its descriptor, reads and writes it: what sockets and files share.
#ifndef ASYNCORE_IO_CHANNEL_HPP
#define ASYNCORE_IO_CHANNEL_HPP

#include <asyncore/bytes.hpp>
#include <asyncore/channel.hpp>
#include <asyncore/io_result.hpp>

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
  /// class says otherwise, and closes.
  void handle_close() {
    this->derived().log_info("unhandled close event", "warning");
    this->derived().close();
  }

  /// Called when an exception left a hook (see `channel`). Logs it and calls `handle_close`; when
  /// that has been called already, closes.
  ASYNCORE_COLD void handle_error() {
    const std::error_code code = this->loop().last_error();
    this->derived().log_info(detail::joined({"uncaught exception, closing channel ",
                                             this->kind().description(), ": ",
                                             detail::current_error_text(code)}),
                             "error");
    if ((state_ & close_reported) != 0) return this->derived().close();
    this->derived().handle_close_event();
  }

  void handle_read_event() {
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
    this->loop().ask_again();
    detail::observe<Derived>(this->loop(), "handle_close",
                             [&] { this->derived().handle_close(); });
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
  /// Customisation point of the kinds above: where `handle_data` receives.
  std::span<std::byte> receive_space() { return this->loop().receive_bytes(); }
  void disconnected() {
    if ((state_ & close_reported) != 0) return this->derived().handle_error();
    this->derived().handle_close_event();
  }
  void abandon() noexcept {
    this->del_channel();
    close_descriptor();
  }

 protected:
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

  /// True when the class is given bytes, by its own `handle_data` or by that of its kind.
  static consteval bool receives_data() {
    return detail::defines_handle_data<Derived>() && !detail::hides_kind_read<Derived>;
  }

  /// Gives the class what there is to read; `AsData`: to `handle_data` in any case.
  template <bool AsData = false>
  [[gnu::always_inline]] void deliver_read() {
    if constexpr (AsData || receives_data()) {
      const std::span<std::byte> buffer = this->kind().receive_space();
      const std::ptrdiff_t n =
          Transport::receive(this->loop().system(), this->native_handle(), buffer);
      if (n > 0) [[likely]]
        this->derived().handle_data(
            std::span<const std::byte>(buffer.first(static_cast<std::size_t>(n))));
      else if (const io_result got = received_nothing(n, buffer.empty()); got.error())
        receive_failed(got.error());
    } else if constexpr (detail::defines_handle_read<Derived>()) {
      this->derived().handle_read();
    }
  }

  /// What a failed send comes to.
  ASYNCORE_COLD io_result write_failed(std::ptrdiff_t error) {
    const int code = static_cast<int>(-error);
    if (!is_disconnect(code)) return io_result(error);
    if (this->native_handle() < 0) return io_result::end();
    if ((state_ & close_reported) != 0) {  // it stayed to send the rest: no hook would follow
      this->derived().close();
      return io_result::end();
    }
    state_ |= write_over;
    this->rearm();
    // The tail of the stream comes before its end (law 3).
    if (!may_read() || this->loop().system().unread(this->native_handle()) <= 0)
      this->derived().handle_close_event();
    return io_result::end();
  }

  void close_descriptor() noexcept {
    const int fd = this->native_handle();
    if (fd < 0) return;
    this->set_descriptor(-1);
    this->loop().system().close(fd);
  }

 private:
  ASYNCORE_NOINLINE io_result received_nothing(std::ptrdiff_t n, bool into_nothing) {
    if ((n == 0 && into_nothing) || io_result(n).would_block()) return io_result(n);
    return read_ended(n);
  }

  ASYNCORE_COLD io_result read_ended(std::ptrdiff_t n) {
    if (n == 0 && (state_ & is_datagram) != 0) return io_result(0);
    if (n < 0 && !is_disconnect(static_cast<int>(-n))) return io_result(n);
    if (this->native_handle() < 0) return io_result::end();
    state_ |= read_over;
    this->rearm();
    this->derived().handle_close_event();
    return io_result::end();
  }

  ASYNCORE_COLD void receive_failed(std::error_code code) {
    this->loop().report_error(*this, code, "recv");
  }
};

}  // namespace asyncore

#endif

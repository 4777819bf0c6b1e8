// SPDX-License-Identifier: BSL-1.0
/// Protocols made of pieces that end in a terminator.
#ifndef ASYNCORE_ASYNC_CHAT_HPP
#define ASYNCORE_ASYNC_CHAT_HPP

#include <asyncore/chat/producer.hpp>
#include <asyncore/chat/splitter.hpp>
#include <asyncore/chat/terminator.hpp>
#include <asyncore/dispatcher_with_send.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace asyncore {

/// Python's `asynchat.async_chat`. `Derived` defines `collect_incoming_data(span)`, which is given
/// what arrives, in pieces and without terminators, in memory that is valid until it returns; and
/// `found_terminator()`, which is called at each terminator and may set another one. What is
/// pushed leaves in its order; producers are asked when the connection takes more.
template <class Derived, class Loop = default_loop, class Transport = socket_transport>
class async_chat : public dispatcher_with_send<Derived, Loop, Transport> {
  using base = dispatcher_with_send<Derived, Loop, Transport>;

 public:
  using base::base;

  /// What ends a piece from now on, also for what has been received and not been given out yet.
  /// A string, which is not given out itself; a number of bytes; or nothing: what arrives is
  /// given out at once. An empty string and 0 mean nothing, as in Python. Throws
  /// `std::system_error`: `invalid_argument` for a negative number, `value_too_large` for one
  /// above the largest ptrdiff_t; bad_alloc for a string.
  /// @{
  void set_terminator(std::string_view text) { input_.set_text(text); }
  void set_terminator(const char* text) { input_.set_text(text); }
  void set_terminator(char text) { input_.set_text({&text, 1}); }
  void set_terminator(std::nullptr_t) noexcept { input_.set_number(0); }
  void set_terminator(std::nullopt_t) noexcept { input_.set_number(0); }
  template <std::integral Number>
    requires(!std::same_as<Number, bool> && !std::same_as<Number, char>)
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

  /// Sends all of `bytes` behind what has been pushed, as `send` does.
  io_result push(bytes_view bytes) {
    if (pending_.empty() && !pending_.ends()) return base::send(bytes);
    if (this->native_handle() < 0 || base::has(base::write_over)) return io_result::end();
    if (queued() > Derived::out_queue_limit) return base::limit_reached();
    if (!pending_.ends()) pending_.push_bytes(bytes, this->loop().blocks());
    return io_result(static_cast<std::ptrdiff_t>(bytes.size()));
  }

  /// Sends what a producer gives, behind what has been pushed: a class with `more()`, or a pointer
  /// to one such as a unique_ptr. Python's `push_with_producer`.
  template <class Producer>
    requires producer<std::remove_cvref_t<Producer>> ||
             producer_pointer<std::remove_cvref_t<Producer>>
  void push_with_producer(Producer&& source) {
    if (this->native_handle() < 0 || pending_.ends()) return;
    pending_.push_producer(std::forward<Producer>(source));
    base::send_soon();
  }

  /// Calls `handle_close`, which closes, when all that has been pushed is sent; what is pushed
  /// later is dropped.
  void close_when_done() {
    if (this->native_handle() < 0) return;
    pending_.push_end();
    this->rearm();
  }

  /// Drops what has been received and not given out, and what has been pushed and not been sent.
  void discard_buffers() noexcept {
    input_.discard();
    drop_output();
  }

  /// The bytes that wait to be sent, not counting what producers will give.
  std::size_t queued() const noexcept { return base::queued() + pending_.size(); }

  /// Bytes received at a time, and sent at a time, at most. The first is the size of the loop's
  /// buffer, which all channels share.
  static constexpr std::size_t ac_in_buffer_size = receive_buffer::size;
  static constexpr std::size_t ac_out_buffer_size = 65536;

  /// More bytes than this are not collected while a string terminator does not come, so that a
  /// peer cannot fill the memory; a class may define its own, and what happens then.
  static constexpr std::size_t incoming_limit = std::size_t{1} << 20;

  /// Called when the limit is reached. Logs it and closes.
  void handle_incoming_limit() {
    this->derived().log_info("no terminator within the incoming limit, closing channel " +
                                 this->derived().description(),
                             "error");
    this->derived().handle_close_event();
  }

  /// Called at the end of the stream, and when all is sent after `close_when_done`. Closes.
  void handle_close() { this->derived().close(); }

  /// Gives the input to the terminator's search. What a hook throws leaves the rest of `data`
  /// unread.
  void handle_data(std::span<const std::byte> data) {
    static_assert(
        requires(Derived& d) { d.collect_incoming_data(data); },
        "asyncore: async_chat needs `void collect_incoming_data(std::span<const std::byte>)`");
    static_assert(
        requires(Derived& d) { d.found_terminator(); },
        "asyncore: async_chat needs `void found_terminator()`");
    input_.feed(data, hooks{this->derived(), this->loop(), this->id()});
  }

  void close() noexcept {
    base::close();
    pending_.clear(this->loop().blocks());
    input_.discard();
  }

  bool has_output() const noexcept {
    return !this->queue_.empty() || !pending_.empty() || pending_.ends();
  }
  bool refill() {
    if (pending_.refill(this->queue_, this->loop().blocks())) return true;
    if (pending_.ends()) this->derived().handle_close_event();
    return false;
  }
  void abandon() noexcept {
    pending_.clear(this->loop().blocks());
    base::abandon();
  }

 protected:
  ~async_chat() { pending_.clear(this->loop().blocks()); }

 private:
  /// The hooks as the splitter calls them; any of them may close or destroy the channel.
  struct hooks {
    bool collect(std::span<const std::byte> piece) const {
      channel.collect_incoming_data(piece);
      if (!loop.alive(id)) return false;
      if (channel.input_.waiting() <= Derived::incoming_limit) [[likely]]
        return true;
      channel.handle_incoming_limit();
      return loop.alive(id);
    }
    bool found() const {
      channel.found_terminator();
      return loop.alive(id);
    }
    Derived& channel;
    Loop& loop;
    token id;
  };

  void drop_output() noexcept {
    this->queue_.clear(this->loop().blocks());
    pending_.clear(this->loop().blocks());
    this->rearm();
  }

  splitter input_;
  pending_output pending_;
};

}  // namespace asyncore

#endif

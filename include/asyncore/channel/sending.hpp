// SPDX-License-Identifier: BSL-1.0
/// How a `dispatcher_with_send` gives its out-queue to the socket. Included by
/// dispatcher_with_send.hpp.
#ifndef ASYNCORE_CHANNEL_SENDING_HPP
#define ASYNCORE_CHANNEL_SENDING_HPP

#include <asyncore/dispatcher_with_send.hpp>

#include <array>

namespace asyncore {

/// `send` of what does not go to the stage.
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE io_result dispatcher_with_send<Derived, Loop, Transport>::enqueue(
    bytes_view bytes) {
  if (this->native_handle() < 0) [[unlikely]]
    return io_result::end();  // the loop may be gone, too
  if (staging()) {
    if (sends_stage() && this->core().buffers().stage_bytes(bytes))
      return io_result(static_cast<std::ptrdiff_t>(bytes.size()));
    unstage();
  }
  if (base::has(base::write_over | is_leaving | is_ending)) return io_result::end();
  if (queue_.size() > this->derived().out_queue_limit) [[unlikely]]
    return limit_reached();
  queue_.append(bytes, this->core().buffers().blocks());
  if (queue_.size() >= send_stage::capacity) send_inside();
  if constexpr (has_watermarks())
    if (base::has(is_blocked | base::is_connecting)) this->rearm();
  return send_soon() ? io_result(static_cast<std::ptrdiff_t>(bytes.size())) : io_result::end();
}

/// Gives the socket what is on the full stage, inside of the hook. Returns true when it has taken
/// all. No hook is called: a failure is kept for `send_queue`.
template <class Derived, class Loop, class Transport>
bool dispatcher_with_send<Derived, Loop, Transport>::sends_stage() {
  send_stage& stage = this->core().buffers().stage();
  const bytes_view bytes = stage.gathered();
  if (bytes.empty() || bytes.size() > this->kind().most_to_send()) return false;
  if (stage.has_failure()) return false;
  const std::ptrdiff_t n = Transport::send(this->loop().system(), this->native_handle(),
                                           std::span<const std::byte>(bytes));
  if (n > 0) stage.drop(static_cast<std::size_t>(n));
  if (n == static_cast<std::ptrdiff_t>(bytes.size())) return true;
  if (takes_no_more(n)) {
    this->state_ |= is_blocked;
  } else {
    stage.keep_failure(this, n);
  }
  this->rearm();
  return false;
}

/// The same with what is in the queue, inside of any hook.
template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::send_inside() {
  send_stage& stage = this->core().buffers().stage();
  if (!this->core().in_turn() || stage.has_failure() || !this->registered()) return;
  if (!base::has(base::is_connected) || base::has(is_blocked)) return;
  const std::size_t before = queue_.size();
  std::size_t budget = this->derived().send_budget;
  std::ptrdiff_t n = 1;
  while (n > 0 && !queue_.empty() && budget > 0) {
    const std::size_t most = this->kind().most_to_send();
    n = send_some(most < budget ? most : budget);
    if (n > 0) budget -= static_cast<std::size_t>(n);
  }
  stage.count(before - queue_.size());
  if (queue_.empty()) return;
  if (takes_no_more(n)) {
    // With its budget used up, it goes on in the next turn.
    this->state_ &= static_cast<state_bits>(~is_yielding);
    this->state_ |= n > 0 ? is_blocked | is_yielding : is_blocked;
  } else {
    stage.keep_failure(this, n);
  }
  this->rearm();
}

/// Between two hooks of one read event: sends what waits if that is `much`, and tells high water.
/// Returns false when `*this` may be gone.
template <class Derived, class Loop, class Transport>
bool dispatcher_with_send<Derived, Loop, Transport>::send_between(bool much) {
  auto& loop = this->core();
  const token id = this->id();
  if (id.generation == 0) return true;
  if (much) send_queue(this->derived().send_budget);
  if constexpr (has_watermarks())
    if (loop.alive(id) && base::has(is_blocked | base::is_connecting)) check_high_water();
  return loop.alive(id);
}

/// Puts what `send` has accepted into the queue. What finds no memory is lost, and so is what would
/// follow behind the gap (law 15).
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher_with_send<Derived, Loop, Transport>::keep(bytes_view bytes) {
  const std::size_t before = queue_.size();
  detail::cleaning_up([&] { queue_.append(bytes, this->core().buffers().blocks()); },
                      [&] {
                        drop_queue(bytes.size() - (queue_.size() - before));
                        this->state_ |= base::write_over;
                        this->rearm();
                      });
}

/// The socket has not taken all of what a hook has sent, which is only now copied; `sent`: what it
/// did, 0 when it was not asked. Returns false when there is nothing more to be sent now; then
/// `*this` may be gone.
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE bool dispatcher_with_send<Derived, Loop, Transport>::keep_unsent(
    bytes_view bytes, std::ptrdiff_t sent) {
  if (bytes.size() <= this->kind().most_to_send()) {
    if (detail::is_shortage(sent)) {
      send_later();
    } else if (sent < 0 && !io_result(sent).would_block()) {
      count_loss({bytes.size(), false});
      send_failed(sent);
      return false;
    }
    this->state_ |= is_blocked;
    if (sent < 0) sent = 0;
  }
  keep(bytes.drop(static_cast<std::size_t>(sent)));
  this->rearm();
  if constexpr (has_watermarks()) {
    auto& loop = this->core();
    const token id = this->id();
    check_high_water();
    if (!loop.alive(id)) return false;
  }
  return !base::has(is_blocked);
}

/// A read event of a channel that has output or is in a rare state, the first one of a loop, or one
/// that another's hook has called for.
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher_with_send<Derived, Loop, Transport>::read_unstaged() {
  if (base::has(is_leaving)) return drop_input();
  if (base::has(base::is_accepting | base::is_paused)) return base::accept_unless_paused();
  auto& loop = this->core();
  const token id = this->id();
  this->deliver_read();
  if (loop.alive(id) && base::has(base::read_over)) look_for_room();
  send_unstaged(loop, id);
}

/// A peer that has ended may take no more either, which select does not report: a send tells.
template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::look_for_room() noexcept {
  this->state_ &= static_cast<state_bits>(~is_blocked);
  this->rearm();
}

/// What its hook sent before it threw is sent all the same, before the next wait.
template <class Derived, class Loop, class Transport>
ASYNCORE_COLD void dispatcher_with_send<Derived, Loop, Transport>::reading_threw() {
  keep(this->core().buffers().stage().take());
  this->rearm();
}

/// At the end of a hook that gave its stage up; `*this` may be gone.
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher_with_send<Derived, Loop, Transport>::stage_given_up(core_type& loop,
                                                                                     token id) {
  loop.buffers().stage().close();
  send_unstaged(loop, id);
}

/// After a hook that did not have the stage, or gave it up.
template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher_with_send<Derived, Loop, Transport>::send_unstaged(core_type& loop,
                                                                                    token id) {
  if (loop.alive(id) && this->kind().has_output()) send_unblocked();
}

template <class Derived, class Loop, class Transport>
ASYNCORE_NOINLINE void dispatcher_with_send<Derived, Loop, Transport>::send_unblocked() {
  if (!base::has(is_blocked)) send_queue(this->derived().send_budget);
}

/// One system call for `most` bytes at most; returns what it did.
template <class Derived, class Loop, class Transport>
std::ptrdiff_t dispatcher_with_send<Derived, Loop, Transport>::send_some(std::size_t most) {
  std::array<iovec, out_queue::most_pieces> pieces;
  const std::size_t count = queue_.pieces(pieces, most);
  const iovec& first = pieces[0];
  const int fd = this->native_handle();
  const std::ptrdiff_t n =
      count == 1
          ? Transport::send(this->loop().system(), fd,
                            std::span(static_cast<const std::byte*>(first.iov_base), first.iov_len))
          : Transport::send(this->loop().system(), fd,
                            std::span<const iovec>(pieces.data(), count));
  if (n > 0) queue_.consume(static_cast<std::size_t>(n), this->core().buffers().blocks());
  return n;
}

template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::send_queue(std::size_t budget) {
  if (budget == 0) budget = 1;
  if (!base::has(base::is_connected) || !this->registered()) return;
  if (staging()) unstage();
  if (const std::ptrdiff_t error = this->core().buffers().stage().take_failure(this); error != 0) [[unlikely]]
    return send_failed(error);
  for (int refills = 0;;) {
    if (queue_.empty()) {
      if (refills++ == most_refills) {
        this->rearm();
        if constexpr (has_watermarks()) check_high_water();
        return;
      }
      if (!this->kind().refill()) return;
      continue;
    }
    const std::size_t most = this->kind().most_to_send();
    const std::ptrdiff_t n = send_some(most < budget ? most : budget);
    if (n > 0) [[likely]] {
      if constexpr (has_watermarks())
        if (!check_low_water()) return;
      budget -= static_cast<std::size_t>(n);
      if (budget > 0) [[likely]]
        continue;
      // Reported as writable in the next turn, if it is.
      if (!this->kind().has_output()) continue;
    }
    if (takes_no_more(n)) {
      this->state_ &= static_cast<state_bits>(~is_yielding);
      this->state_ |= is_blocked;
      if (n > 0) this->state_ |= is_yielding;
      this->rearm();
      if constexpr (has_watermarks()) check_high_water();
      return;
    }
    return send_failed(n);
  }
}

/// True when what a send returned is no failure: the socket takes no more for now.
template <class Derived, class Loop, class Transport>
bool dispatcher_with_send<Derived, Loop, Transport>::takes_no_more(std::ptrdiff_t n) noexcept {
  if (!detail::is_shortage(n)) return n >= 0 || io_result(n).would_block();
  send_later();
  return true;
}

/// The kernel is short of memory, and calls the socket writable all the same: the bytes wait until
/// the loop's pause is over.
template <class Derived, class Loop, class Transport>
ASYNCORE_COLD void dispatcher_with_send<Derived, Loop, Transport>::send_later() noexcept {
  this->state_ |= base::is_starved;
  this->core().resume_later(this->id(), true);
}
template <class Derived, class Loop, class Transport>
ASYNCORE_COLD void dispatcher_with_send<Derived, Loop, Transport>::resume_accepting() noexcept {
  if (base::has(base::is_starved)) this->state_ &= static_cast<state_bits>(~is_blocked);
  base::resume_accepting();
}

/// Nothing more can be sent; `*this` may be gone afterwards.
template <class Derived, class Loop, class Transport>
ASYNCORE_COLD void dispatcher_with_send<Derived, Loop, Transport>::send_failed(
    std::ptrdiff_t error) {
  this->kind().drop_unsent();
  this->state_ |= base::write_over;  // what follows would have a gap before it
  this->rearm();
  if (const std::error_code failed = this->write_failed(error).error())
    this->core().report_error(*this, failed, "send");
}

/// Also called when `Derived` is gone already.
template <class Derived, class Loop, class Transport>
ASYNCORE_COLD void dispatcher_with_send<Derived, Loop, Transport>::drop_output() noexcept {
  if (base::has(is_leaving)) this->core().forget(this->id());
  const bool failed = this->core().buffers().stage().take_failure(this) != 0;
  if (!staging() && queue_.empty()) return;
  std::size_t lost = 0;
  const bool takes_more = !failed && !this->core().elsewhere() &&
                          (!base::has(is_blocked) || base::has(is_yielding));
  if (base::has(base::is_connected) && takes_more && !base::has(base::write_over)) {
    if (staging() && this->core().buffers().stage().size() > 0)
      lost = send_last(this->core().buffers().stage().give_up());
    while (!queue_.empty() && send_some(everything) > 0) continue;
  }
  drop_queue(lost);
}

/// Gives the socket what it takes; returns how many bytes it did not.
template <class Derived, class Loop, class Transport>
ASYNCORE_COLD std::size_t dispatcher_with_send<Derived, Loop, Transport>::send_last(
    bytes_view bytes) noexcept {
  const std::ptrdiff_t n = Transport::send(this->loop().system(), this->native_handle(),
                                           std::span<const std::byte>(bytes));
  return n > 0 ? bytes.size() - static_cast<std::size_t>(n) : bytes.size();
}

template <class Derived, class Loop, class Transport>
bool dispatcher_with_send<Derived, Loop, Transport>::send_soon() {
  if (staging() || base::has(is_blocked)) return true;
  if (this->core().in_turn()) {
    this->rearm();
    return true;
  }
  auto& loop = this->core();
  const token id = this->id();
  initiate_send();
  return id.generation == 0 || (loop.alive(id) && !base::has(base::write_over));
}

template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::drop_queue(std::size_t more) noexcept {
  if (staging()) more += this->core().buffers().stage().give_up().size();
  more += queue_.size();
  queue_.clear(this->core().buffers().blocks());
  count_loss({more, false});
}

template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::count_loss(
    [[maybe_unused]] out_queue::loss lost) noexcept {
  if constexpr (detail::defines_handle_closed<Derived>()) {
    if (this->counts_loss()) {
      const out_queue::loss before = queue_.kept();
      lost = {lost.bytes + before.bytes, lost.producers || before.producers};
    }
    if (lost.bytes == 0 && !lost.producers) return;
    this->start_counting_loss();
    queue_.keep(lost);
  }
}

}  // namespace asyncore

#endif

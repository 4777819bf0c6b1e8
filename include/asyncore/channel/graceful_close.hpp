// SPDX-License-Identifier: BSL-1.0
/// How a `dispatcher_with_send` ends its stream and closes well. Included by dispatcher_with_send.hpp.
#ifndef ASYNCORE_CHANNEL_GRACEFUL_CLOSE_HPP
#define ASYNCORE_CHANNEL_GRACEFUL_CLOSE_HPP

#include <asyncore/dispatcher_with_send.hpp>

namespace asyncore {

template <class Derived, class Loop, class Transport>
bool dispatcher_with_send<Derived, Loop, Transport>::finishes_sending() {
  if (this->end_reason() || !base::has(base::read_over)) return false;
  if (!this->kind().has_output() && dispatcher_with_send::queued() == 0) return false;
  leave();
  return base::has(is_leaving);
}

/// Returns whether it was not leaving yet.
template <class Derived, class Loop, class Transport>
bool dispatcher_with_send<Derived, Loop, Transport>::leave() {
  if (this->native_handle() < 0 || base::has(is_leaving)) return false;
  if (staging()) unstage();
  this->state_ |= is_leaving;
  this->rearm();
  return true;
}

template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::handle_drain_event() {
  if constexpr (detail::defines_handle_drain<Derived>()) {
    this->derived().handle_drain();
  } else {
    leave();
  }
}

template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::abort() noexcept {
  if (this->native_handle() < 0) return;
  this->kind().drop_unsent();
  if constexpr (requires { this->loop().system().reset_on_close(0); })
    if (!this->core().elsewhere())
      this->loop().system().reset_on_close(this->native_handle());
  this->derived().close();
}

/// While it sends, whatever the class's predicates say, it also takes what comes: a peer that waits
/// to be read would not read either.
template <class Derived, class Loop, class Transport>
interest dispatcher_with_send<Derived, Loop, Transport>::leaving_interest() noexcept {
  interest wanted = interest::none;
  const bool sends = this->kind().has_output() && !base::has(base::is_starved);
  if (base::has(base::is_connecting) || sends) wanted |= interest::write;
  const bool reads = !base::has(base::read_over | base::is_starved);
  if (base::has(base::is_connected) && reads) wanted |= interest::read;
  return wanted;
}

/// When all is sent.
template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::start_lingering() {
  // One that listens, or was never connected, or not any more, has nobody to send to.
  if (base::has(base::is_connecting)) return;
  if (!base::has(base::is_connected) || this->hung_up()) return end_lingering();
  if (this->kind().has_output()) return;
  this->state_ |= is_lingering;
  std::error_code failed;
  if (!base::has(base::write_over)) base::shutdown(SHUT_WR, failed);
  if (failed || base::has(base::read_over | base::write_over)) end_lingering();
}

template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::shutdown(int how, std::error_code& failed) {
  if (how != SHUT_RD && this->registered() && !base::has(is_blocked)) {
    auto& loop = this->core();
    const token id = this->id();
    initiate_send();
    failed = {};
    if (!loop.alive(id)) return;
  }
  if (how == SHUT_RD || this->native_handle() < 0 || !this->kind().has_output())
    return base::shutdown(how, failed);
  failed = {};
  this->state_ |= is_ending;
  this->set_shuts_reading(how == SHUT_RDWR);
  this->rearm();
}
template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::shutdown(int how) {
  std::error_code failed;
  shutdown(how, failed);
  detail::throw_if(failed, "shutdown");
}

/// All is sent that a shutdown has waited for.
template <class Derived, class Loop, class Transport>
ASYNCORE_COLD void dispatcher_with_send<Derived, Loop, Transport>::end_stream() {
  this->state_ &= static_cast<state_bits>(~is_ending);
  std::error_code ignored;
  base::shutdown(this->shuts_reading() ? SHUT_RDWR : SHUT_WR, ignored);
}

/// A bounded part of what there is, so that a peer that never stops does not keep the loop.
template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::drop_input() {
  const auto loan = this->core().buffers().lend();
  for (int left = 16; left > 0; --left) {
    const std::ptrdiff_t n =
        Transport::receive(this->loop().system(), this->native_handle(), loan.bytes());
    if (n > 0) continue;
    if (io_result(n).would_block()) return;
    if (detail::is_shortage(n)) return void(base::reads_later());
    this->state_ |= base::read_over;
    if (n < 0) this->note_reason(static_cast<int>(-n));
    look_for_room();
    if (n < 0 || base::has(is_lingering)) end_lingering();
    return;
  }
}

/// It closes, also when the hook does not.
template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::end_lingering() {
  auto& loop = this->core();
  const token id = this->id();
  if (!this->closing()) this->derived().handle_close_event();
  if (loop.alive(id)) this->derived().close();
}

/// Until it is gone, when `drop_output` forgets the watch.
template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::watch_lingering(
    std::chrono::nanoseconds linger) {
  auto& loop = this->core();
  loop.template service<detail::leaving_channels<core_type>>().add(
      loop, this, this->id(), &look_at_lingering, linger);
}

/// Looks again and again whether it has lingered for a whole period.
template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::look_at_lingering(
    timed<core_type>& node, core_type* loop) {
  using all = detail::leaving_channels<core_type>;
  auto& watch = static_cast<typename all::watch&>(node);
  if (loop == nullptr) return delete &watch;
  auto& watches = loop->template service<all>();
  auto* const channel = static_cast<dispatcher_with_send*>(watch.channel);
  const bool alive = loop->alive(watch.id);
  if (alive && !watch.lingered) {
    watch.lingered = channel->has(is_lingering);
    return watches.look_later(*loop, watch);
  }
  watches.forget(*loop, watch.id);
  if (!alive) return;
  channel->note_reason(ETIMEDOUT);
  loop->run_callback("a timer", [&] { channel->derived().close(); });
}

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// When a `dispatcher_with_send` tells of its watermarks. Included by dispatcher_with_send.hpp.
#ifndef ASYNCORE_CHANNEL_WATERMARKS_HPP
#define ASYNCORE_CHANNEL_WATERMARKS_HPP

#include <asyncore/dispatcher_with_send.hpp>

namespace asyncore {

/// The socket takes no more; the hook may end `*this`.
template <class Derived, class Loop, class Transport>
void dispatcher_with_send<Derived, Loop, Transport>::check_high_water() {
  if (base::has(is_high) || this->kind().queued() <= this->derived().high_watermark) return;
  this->state_ |= is_high;
  if constexpr (detail::defines_handle_high_water<Derived>()) this->derived().handle_high_water();
}

/// The socket has taken something; false: the hook has ended `*this`.
template <class Derived, class Loop, class Transport>
bool dispatcher_with_send<Derived, Loop, Transport>::check_low_water() {
  if (!base::has(is_high) || this->kind().queued() > this->derived().low_watermark) return true;
  this->state_ &= static_cast<state_bits>(~is_high);
  if constexpr (detail::defines_handle_low_water<Derived>()) {
    auto& loop = this->core();
    const token id = this->id();
    this->derived().handle_low_water();
    return loop.alive(id);
  } else {
    return true;
  }
}

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// Timers of a loop and of its channels: `call_later`, `call_at` and `call_every` of both.
#ifndef ASYNCORE_TIMERS_HPP
#define ASYNCORE_TIMERS_HPP

#include <asyncore/channel/bound_timers.hpp>
#include <asyncore/loop/timer.hpp>

#endif

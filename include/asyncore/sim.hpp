// SPDX-License-Identifier: BSL-1.0
/// A simulated kernel to test servers and clients against: separate from asyncore.hpp, which does
/// not know of it.
#ifndef ASYNCORE_SIM_HPP
#define ASYNCORE_SIM_HPP

#include <asyncore/sim/epoll_poller.hpp>
#include <asyncore/sim/hook_order.hpp>
#include <asyncore/sim/kernel.hpp>
#include <asyncore/sim/keyed_stream.hpp>
#include <asyncore/sim/peer.hpp>
#include <asyncore/sim/poll_poller.hpp>
#include <asyncore/sim/select_poller.hpp>

#endif

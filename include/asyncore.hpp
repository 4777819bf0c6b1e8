// SPDX-License-Identifier: BSL-1.0
/// The one include: loops, pollers, maps and the channel kinds.
#ifndef ASYNCORE_HPP
#define ASYNCORE_HPP

#include <asyncore/word/config.hpp>  // first: it says which compiler this needs

#include <asyncore/async_chat.hpp>
#include <asyncore/channel.hpp>
#include <asyncore/deadline.hpp>
#include <asyncore/default_loop.hpp>
#include <asyncore/dispatcher.hpp>
#include <asyncore/dispatcher_with_send.hpp>
#include <asyncore/file_dispatcher.hpp>
#include <asyncore/signal_channel.hpp>
#include <asyncore/timers.hpp>
#include <asyncore/version.hpp>
#include <asyncore/work_guard.hpp>

#endif

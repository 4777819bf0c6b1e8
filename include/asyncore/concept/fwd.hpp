// SPDX-License-Identifier: BSL-1.0
/// The names of the library, declared only.
#ifndef ASYNCORE_CONCEPT_FWD_HPP
#define ASYNCORE_CONCEPT_FWD_HPP

#include <asyncore/word/config.hpp>

#include <cstddef>

namespace asyncore {

class endpoint;
class socket;
class unique_fd;
struct close_info;
struct exit_status;
struct fd_closer;
struct posix_system;

#if ASYNCORE_HAS_EPOLL
class epoll_poller;
#endif
class poll_poller;
class select_poller;

template <class... Channels>
class fd_table;
template <std::size_t N, class... Channels>
class fixed_fd_table;
template <class... Channels>
class hash_map;

template <class Poller, class Map>
class ASYNCORE_BUILD_TAG basic_loop;

/// The best poller of this system.
#if ASYNCORE_HAS_EPOLL
using default_poller = epoll_poller;
#else
using default_poller = poll_poller;
#endif

/// A loop that takes any channel. Include <asyncore/default_loop.hpp>, or <asyncore.hpp>.
using default_loop = basic_loop<default_poller, fd_table<>>;

/// The loop of channels that are constructed without one: each thread has its own.
template <class Loop = default_loop>
Loop& this_thread_loop();

template <class Derived, class Loop>
class channel;
template <class Derived, class Loop>
class deadline;
template <class Loop>
class loop_group;
template <class Loop>
class timer;
template <class Loop>
class work_guard;

namespace detail {
template <class Loop>
class bound_timers;
template <class Core, class Channels>
class dispatch;
template <class Core, class Channels>
class hook_errors;
template <class Core, class Channels>
class interest_pass;
template <class Map, class Channels>
class registry;
template <class StopToken>
struct stops_run {
  static_assert(sizeof(StopToken) == 0,
                "asyncore: a run that a stop token ends needs #include <asyncore/stop_token.hpp>, and "
                "is given a std::stop_token");
};
}  // namespace detail

}  // namespace asyncore

#endif

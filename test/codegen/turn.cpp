// SPDX-License-Identifier: BSL-1.0
// A turn with TYPES types of channels, to be disassembled. The kinds come in turns, unless the
// members of all of them are given: MEMBERS of a plain channel. async_chat is not among them: its
// producers are of any type, and asked by an indirect call.
#include <asyncore.hpp>

#include <utility>

#if defined(OBSERVER)
#include <asyncore/poller/observed.hpp>
struct nobody {};
struct counting {
  void event() noexcept { ++events; }
  long events = 0;
};
using poller_type = asyncore::observed<asyncore::POLLER, OBSERVER>;
#elif defined(TRACE)
#include <asyncore/poller/traced.hpp>
using poller_type = asyncore::traced<asyncore::POLLER, asyncore::TRACE>;
#else
using poller_type = asyncore::POLLER;
#endif

extern "C" void work(int type);  // the body of a hook: a direct call that the test can find

using bytes = std::span<const std::byte>;

template <int Type, int Kind>
struct station_of;

#if defined(MEMBERS)
template <int Type>
using station = station_of<Type, 0>;
#else
template <int Type>
using station = station_of<Type, Type % 4>;
#endif

template <class Types>
struct loop_for;
template <int... Types>
struct loop_for<std::integer_sequence<int, Types...>> {
#if defined(OPEN)
  using type = asyncore::basic_loop<poller_type, asyncore::MAP<>>;
#else
  using type = asyncore::basic_loop<poller_type, asyncore::MAP<station<Types>...>>;
#endif
};
using loop_type = loop_for<std::make_integer_sequence<int, TYPES>>::type;

template <int Type>
struct station_of<Type, 0> : asyncore::channel<station_of<Type, 0>, loop_type> {
  using station_of::channel::channel;
#if defined(MEMBERS)
  MEMBERS
#else
  void handle_read() { work(Type); }
  void handle_expt() { work(Type); }
#endif
};

template <int Type>
struct station_of<Type, 1> : asyncore::file_dispatcher<station_of<Type, 1>, loop_type> {
  using station_of::file_dispatcher::file_dispatcher;
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return !done; }
  void handle_data(bytes) { work(Type); }
  bool done = false;
};

template <int Type>
struct station_of<Type, 2> : asyncore::dispatcher_with_send<station_of<Type, 2>, loop_type> {
  using station_of::dispatcher_with_send::dispatcher_with_send;
  void handle_data(bytes data) { this->send(data); }
};

template <int Type>
struct station_of<Type, 3> : asyncore::dispatcher<station_of<Type, 3>, loop_type> {
  using station_of::dispatcher::dispatcher;
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    this->loop().template emplace<station_of<Type - 1, 2>>(std::move(peer));
  }
  void handle_connect() { work(Type); }
  bool writable() const { return false; }  // asked every turn
  void handle_write() { work(Type); }
};

void run(loop_type& loop) { loop.run(); }

// An open set knows the types that are made.
template <int... Types>
void make(loop_type& loop, std::integer_sequence<int, Types...>) {
  (static_cast<void>(loop.emplace<station<Types>>()), ...);
}
void make(loop_type& loop) { make(loop, std::make_integer_sequence<int, TYPES>()); }

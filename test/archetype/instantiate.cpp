// SPDX-License-Identifier: BSL-1.0
// Every public template, instantiated as a whole: code that is never instantiated is unwritten. And
// the archetypes at work.
#include <asyncore.hpp>
#include <asyncore/child_process.hpp>
#include <asyncore/loop_group.hpp>
#include <asyncore/poller/observed.hpp>
#include <asyncore/poller/traced.hpp>
#include <asyncore/statistics.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>

#include "../support/matrix.hpp"
#include "channels.hpp"
#include "map.hpp"
#include "poller.hpp"

// With a name, because what is instantiated for a type without one is code that nobody can call.
namespace instantiated {

struct a_channel;

struct rows {
  template <class... Channels>
  using of = archetype::map<Channels...>;
};

template <class Poller, class Map, bool Closed>
using at = test::place<Poller, Map, Closed>;

/// A place whose list is short, because each type in a closed list is compiled into the turn.
template <class Poller, class Map, bool Closed>
struct lean {
  template <class...>
  using loop = typename at<Poller, Map, Closed>::template loop<archetype::chat<lean>>;
};

/// With the default loop a channel may be constructed without one.
struct default_place {
  template <class...>
  using loop = asyncore::default_loop;
};

}  // namespace instantiated

using instantiated::at;
using instantiated::lean;
using instantiated::rows;

// Maps.
template class asyncore::fd_table<>;
template class asyncore::fd_table<instantiated::a_channel>;
template class asyncore::fixed_fd_table<1>;
template class asyncore::fixed_fd_table<1, instantiated::a_channel>;
template class asyncore::hash_map<>;
template class asyncore::hash_map<instantiated::a_channel>;
template class asyncore::detail::probing_table<asyncore::detail::open_record>;
template class asyncore::registration<std::uint8_t>;
template class asyncore::channel_set<asyncore::channel_list<instantiated::a_channel>>;
template class archetype::map<>;

// Loops: every poller with every map, closed and open, each with a channel that does all there is.
#define LOOP(...)                                                                            \
  template class asyncore::basic_loop<archetype::loop_of<lean<__VA_ARGS__>>::poller_type,    \
                                      archetype::loop_of<lean<__VA_ARGS__>>::map_type>;      \
  template class asyncore::detail::loop_core<                                                \
      archetype::loop_of<lean<__VA_ARGS__>>::poller_type,                                    \
      archetype::loop_of<lean<__VA_ARGS__>>::map_type>;
#define LOOPS(POLLER)                 \
  LOOP(POLLER, test::dense, true)     \
  LOOP(POLLER, test::dense, false)    \
  LOOP(POLLER, test::fixed, true)     \
  LOOP(POLLER, test::fixed, false)    \
  LOOP(POLLER, test::hashed, true)    \
  LOOP(POLLER, test::hashed, false)

#if ASYNCORE_HAS_EPOLL
LOOPS(asyncore::epoll_poller)
#endif
LOOPS(asyncore::poll_poller)
LOOPS(asyncore::select_poller)
static_assert(decltype(boost::hana::size(test::detail::places))::value ==
                  6 * (2 + ASYNCORE_HAS_EPOLL),
              "a poller or a map is new: add it above");
LOOP(archetype::poller, rows, true)
LOOP(archetype::poller, rows, false)
LOOP(archetype::poller_with_all, rows, true)
LOOP(archetype::poller_with_all, rows, false)

// Channels, over the archetypes alone: closed with a system that has no state, open with one.
#define CHANNELS(...)                                                                             \
  template class asyncore::channel<archetype::watcher<__VA_ARGS__>,                               \
                                   archetype::loop_of<__VA_ARGS__>>;                              \
  template class asyncore::channel<archetype::bare_watcher<__VA_ARGS__>,                          \
                                   archetype::loop_of<__VA_ARGS__>>;                              \
  KIND(file_dispatcher, file, file_transport, __VA_ARGS__)                                        \
  KIND(file_dispatcher, bare_file, file_transport, __VA_ARGS__)                                   \
  KIND(dispatcher, server, socket_transport, __VA_ARGS__)                                         \
  KIND(dispatcher, reader, socket_transport, __VA_ARGS__)                                         \
  KIND(dispatcher, bare_dispatcher, socket_transport, __VA_ARGS__)                                \
  KIND(dispatcher_with_send, sender, socket_transport, __VA_ARGS__)                               \
  KIND(dispatcher_with_send, bare_sender, socket_transport, __VA_ARGS__)                          \
  KIND(async_chat, chat, socket_transport, __VA_ARGS__)                                           \
  KIND(async_chat, bare_chat, socket_transport, __VA_ARGS__)
#define KIND(NAME, CLASS, TRANSPORT, ...)                                                         \
  template class asyncore::io_channel<archetype::CLASS<__VA_ARGS__>,                              \
                                      archetype::loop_of<__VA_ARGS__>, asyncore::TRANSPORT>;      \
  template class asyncore::NAME<archetype::CLASS<__VA_ARGS__>, archetype::loop_of<__VA_ARGS__>>;

CHANNELS(at<archetype::poller, rows, true>)
CHANNELS(at<archetype::poller_with_all, rows, false>)

CHANNELS(instantiated::default_place)

// Time.
template class asyncore::timer<asyncore::default_loop>;
using default_core = asyncore::channel_access::core_of<asyncore::default_loop>;
template class asyncore::timer_queue<default_core>;
template class asyncore::time_wheel<asyncore::default_loop>;
namespace instantiated {
struct patient : asyncore::channel<patient, asyncore::default_loop>, asyncore::deadline<patient> {
  using channel::channel;
  void handle_timeout() {}
};
}  // namespace instantiated
template class asyncore::deadline<instantiated::patient>;
template class asyncore::detail::drain_service<default_core>;
template class asyncore::detail::reserve_descriptor<default_core>;

// Programs.
namespace instantiated {
struct program : asyncore::child_process<program> {
  using child_process::child_process;
  void handle_exit(asyncore::exit_status) {}
};
/// A pipe with an out-queue.
struct pipe_end : asyncore::dispatcher_with_send<pipe_end, asyncore::default_loop,
                                                 asyncore::file_transport> {
  using dispatcher_with_send::dispatcher_with_send;
};
}  // namespace instantiated
template class asyncore::child_process<instantiated::program>;
template class asyncore::dispatcher_with_send<instantiated::pipe_end, asyncore::default_loop,
                                              asyncore::file_transport>;

// Threads.
template class asyncore::loop_group<asyncore::default_loop>;
template class asyncore::detail::group_member<default_core>;

// Observers.
namespace instantiated {
using watched_poller = asyncore::observed<archetype::poller_with_all, asyncore::loop_statistics>;
}
template class asyncore::observed<archetype::poller, asyncore::loop_statistics>;
template class asyncore::observed<archetype::poller_with_all, asyncore::loop_statistics>;
template class asyncore::observed_system<archetype::system, asyncore::loop_statistics>;
template class asyncore::traced<archetype::poller>;
template class asyncore::traced<archetype::poller_with_all>;
template class asyncore::traced<archetype::poller, asyncore::no_trace>;
static_assert(asyncore::poller<asyncore::traced<archetype::poller>>);
static_assert(asyncore::poller<asyncore::traced<archetype::poller_with_all>>);
template class asyncore::basic_loop<instantiated::watched_poller, asyncore::fd_table<>>;

namespace {

using places = std::tuple<at<archetype::poller, rows, true>, at<archetype::poller, rows, false>,
                          at<archetype::poller_with_all, rows, true>,
                          at<archetype::poller_with_all, rows, false>>;

BOOST_AUTO_TEST_SUITE(archetypes)

// What explicit instantiation does not reach: member templates.
BOOST_AUTO_TEST_CASE_TEMPLATE(own_channels_that_watch_nothing, Place, places) {
  archetype::loop_of<Place> loop;
  loop.template emplace<archetype::watcher<Place>>();
  loop.template emplace<archetype::file<Place>>();
  loop.template emplace<archetype::server<Place>>();
  loop.template emplace<archetype::sender<Place>>();
  auto& chat = loop.template emplace<archetype::chat<Place>>();
  chat.set_terminator("end");
  chat.set_terminator(1);
  chat.set_terminator(std::size_t{1});
  chat.push_with_producer(asyncore::simple_producer("piece"));
  chat.push_with_producer(std::make_unique<asyncore::simple_producer>("piece"));
  BOOST_TEST(loop.empty());
  loop.run();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(are_enough_for_a_loop, Place, places) {
  archetype::loop_of<Place> loop;
  {
    archetype::watcher<Place> first(loop, 1);
    auto& second = loop.template emplace<archetype::watcher<Place>>(2);
    BOOST_TEST(loop.size() == 2u);
    loop.poll();
    loop.run({.timeout = {}, .count = 2});
    second.close();
    BOOST_TEST(loop.size() == 1u);
  }
  BOOST_TEST(loop.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(pass_on_what_the_system_answers, Place, places) {
  archetype::loop_of<Place> loop;
  archetype::sender<Place> channel(loop);
  std::error_code failed;
  channel.create_socket(AF_INET, SOCK_STREAM, failed);
  BOOST_TEST((failed == std::errc::function_not_supported));
  const auto where = asyncore::endpoint::parse("127.0.0.1:0");
  channel.bind(where, failed = {});
  BOOST_TEST((failed == std::errc::function_not_supported));
  channel.connect(where, failed = {});
  BOOST_TEST((failed == std::errc::function_not_supported));
  channel.shutdown(SHUT_WR, failed = {});
  BOOST_TEST((failed == std::errc::function_not_supported));
  BOOST_TEST((channel.sendto("x", where).error() == std::errc::function_not_supported));
}

BOOST_AUTO_TEST_CASE(limit_descriptors_when_they_say_so) {
  using place = at<archetype::poller_with_all, rows, false>;
  archetype::loop_of<place> loop;
  archetype::watcher<place> channel(loop);
  auto& core = asyncore::channel_access::core(loop);
  BOOST_TEST((core.room_for(archetype::poller_with_all::fd_limit) == std::errc::value_too_large));
  BOOST_TEST(!core.room_for(archetype::poller_with_all::fd_limit - 1));
  BOOST_TEST(loop.native_handle() == -1);
  // The one system that the poller has.
  const auto before = loop.system().now();
  BOOST_TEST((loop.system().now() == before + std::chrono::nanoseconds(1)));
}

template <class Loop>
concept is_a_descriptor = requires(const Loop& loop) { loop.native_handle(); };
static_assert(is_a_descriptor<archetype::loop_of<at<archetype::poller_with_all, rows, false>>>);
static_assert(!is_a_descriptor<archetype::loop_of<at<archetype::poller, rows, false>>>);

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// What objects weigh: empty policies and hooks cost no byte, and an idle connection few.
#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include "../archetype/channels.hpp"
#include "../archetype/map.hpp"
#include "../archetype/poller.hpp"
#include "../support/matrix.hpp"

namespace {

constexpr std::size_t pointer = sizeof(void*);

// Policies without state are empty classes; a loop keeps none of them.
static_assert(std::is_empty_v<asyncore::posix_system>);
static_assert(std::is_empty_v<asyncore::socket_transport>);
static_assert(std::is_empty_v<asyncore::file_transport>);
static_assert(std::is_empty_v<asyncore::channel_list<>>);
static_assert(std::is_empty_v<asyncore::channel_list<int, char>>);
static_assert(std::is_empty_v<archetype::poller>);

// The loop is as large as with a poller of its own that names another empty system.
struct other_system : asyncore::posix_system {};
struct other_poller : asyncore::poll_poller {
  using system = other_system;
};
static_assert(sizeof(asyncore::basic_loop<other_poller, asyncore::fd_table<>>) ==
              sizeof(asyncore::basic_loop<asyncore::poll_poller, asyncore::fd_table<>>));

// A closed list adds nothing to a map or a loop.
template <class Open, class Closed>
constexpr bool same_size = sizeof(Open) == sizeof(Closed);
static_assert(same_size<asyncore::fd_table<>, asyncore::fd_table<int, char>>);
static_assert(same_size<asyncore::hash_map<>, asyncore::hash_map<int, char>>);
static_assert(same_size<asyncore::fixed_fd_table<1>, asyncore::fixed_fd_table<99, int>>);

// Words.
static_assert(sizeof(asyncore::token) == 8);
static_assert(sizeof(asyncore::interest) == 1);
static_assert(sizeof(asyncore::readiness) == 1);
static_assert(sizeof(asyncore::io_result) == pointer);
static_assert(sizeof(asyncore::bytes_view) == 2 * pointer);
static_assert(sizeof(asyncore::out_queue) == pointer);
static_assert(sizeof(asyncore::list_node) == 2 * pointer);
static_assert(sizeof(asyncore::receive_buffer) == pointer);
static_assert(sizeof(asyncore::out_block) == 4096);

// Pollers: what they keep is on the heap, but for select's sets.
#if ASYNCORE_HAS_EPOLL
static_assert(sizeof(asyncore::epoll_poller) <= 9 * pointer);
#endif
static_assert(sizeof(asyncore::poll_poller) <= 10 * pointer);
static_assert(sizeof(asyncore::select_poller) <= 6 * sizeof(fd_set) + FD_SETSIZE * 4 + pointer);

// A registration: a list node, a token, the type, and what fits beside it.
template <bool Closed>
using record = typename test::place<asyncore::poll_poller, test::dense, Closed>::template loop<
    int>::record;
static_assert(sizeof(record<true>) == 2 * pointer + 8 + 8);
static_assert(sizeof(record<false>) == 2 * pointer + 8 + 8 + pointer);

// Channels. What each kind may weigh in a closed set; an open one adds a pointer.
template <bool Closed>
using place = test::place<asyncore::poll_poller, test::dense, Closed>;

template <template <class> class Channel, std::size_t Closed>
constexpr bool weighs = sizeof(Channel<place<true>>) <= Closed &&
                        sizeof(Channel<place<false>>) <= Closed + pointer;
static_assert(weighs<archetype::bare_watcher, 40>);
static_assert(weighs<archetype::bare_file, 40>);
static_assert(weighs<archetype::bare_dispatcher, 48>);
static_assert(weighs<archetype::bare_sender, 56>);

// Hooks and predicates, all of them, weigh nothing.
template <template <class> class Full, template <class> class Bare>
constexpr bool hooks_are_free = same_size<Bare<place<true>>, Full<place<true>>> &&
                                same_size<Bare<place<false>>, Full<place<false>>>;
static_assert(hooks_are_free<archetype::watcher, archetype::bare_watcher>);
static_assert(hooks_are_free<archetype::file, archetype::bare_file>);
static_assert(hooks_are_free<archetype::server, archetype::bare_dispatcher>);
static_assert(hooks_are_free<archetype::reader, archetype::bare_dispatcher>);
static_assert(hooks_are_free<archetype::sender, archetype::bare_sender>);
static_assert(hooks_are_free<archetype::chat, archetype::bare_chat>);

// No virtual function anywhere: no channel has a table pointer that would make it polymorphic.
template <template <class> class... Channels>
constexpr bool not_polymorphic = (!std::is_polymorphic_v<Channels<place<true>>> && ...) &&
                                 (!std::is_polymorphic_v<Channels<place<false>>> && ...);
static_assert(not_polymorphic<archetype::watcher, archetype::file, archetype::server,
                              archetype::sender, archetype::chat>);
static_assert(!std::is_polymorphic_v<asyncore::default_loop>);

// The limit: an idle echo connection, channel and table together.
BOOST_AUTO_TEST_CASE(an_idle_connection_weighs_at_most_96_bytes) {
  // malloc rounds up to 16 after adding a word; a table grows by a quarter.
  const std::size_t channel = (sizeof(archetype::bare_sender<place<true>>) + pointer + 15) / 16 * 16;
  const std::size_t slot = 2 * pointer;
  BOOST_TEST(channel + slot + slot / 4 <= 96u);
}

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// In steady state no event allocates. This program counts every allocation that it makes.
// The debug check does allocate.
#undef ASYNCORE_DEBUG
#define ASYNCORE_DEBUG 0
#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "support/descriptors.hpp"
#include "support/matrix.hpp"

namespace {

long allocated = 0;
long freed = 0;

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  ++allocated;
  // aligned_alloc wants a multiple of the alignment.
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) std::abort();
  return memory;
}
void release(void* memory) noexcept {
  if (memory == nullptr) return;
  ++freed;
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new[](std::size_t size) { return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

namespace {

using namespace std::chrono_literals;
using bytes = std::span<const std::byte>;

/// What has been allocated and freed since it was made.
class count_from_here {
 public:
  long allocations() const { return allocated - allocated_; }
  long frees() const { return freed - freed_; }

 private:
  long allocated_ = allocated;
  long freed_ = freed;
};

// The far end, without allocating.
bool put_bytes(const test::unique_fd& fd, std::size_t n) {
  static const std::array<char, 65536> zeros{};
  return ::write(fd.get(), zeros.data(), n) == static_cast<ssize_t>(n);
}
std::size_t take_bytes(const test::unique_fd& fd) {
  static std::array<char, 65536> into;
  std::size_t all = 0;
  for (ssize_t n; (n = ::read(fd.get(), into.data(), into.size())) > 0;)
    all += static_cast<std::size_t>(n);
  return all;
}

template <class Place>
struct echo;
template <class Place>
using echo_loop = typename Place::template loop<echo<Place>>;
template <class Place>
struct echo : asyncore::dispatcher_with_send<echo<Place>, echo_loop<Place>> {
  using echo::dispatcher_with_send::dispatcher_with_send;
  void handle_data(bytes data) { this->send(data); }
};

template <class Place>
struct reader;
template <class Place>
using reader_loop = typename Place::template loop<reader<Place>>;
template <class Place>
struct reader : asyncore::dispatcher<reader<Place>, reader_loop<Place>> {
  using reader::dispatcher::dispatcher;
  void handle_read() {
    std::array<std::byte, 512> into;
    while (const asyncore::io_result got = this->recv(into)) read += got.bytes();
  }
  std::size_t read = 0;
};

template <class Place>
struct pausing;
template <class Place>
using pausing_loop = typename Place::template loop<pausing<Place>>;
template <class Place>
struct pausing : asyncore::file_dispatcher<pausing<Place>, pausing_loop<Place>> {
  using pausing::file_dispatcher::file_dispatcher;
  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return !paused; }
  void handle_data(bytes data) {
    read += data.size();
    paused = true;
  }
  bool paused = false;
  std::size_t read = 0;
};

template <class Place>
struct connection;
template <class Place>
struct server;
template <class Place>
using server_loop = typename Place::template loop<server<Place>, connection<Place>>;
template <class Place>
struct connection : asyncore::dispatcher_with_send<connection<Place>, server_loop<Place>> {
  using connection::dispatcher_with_send::dispatcher_with_send;
  void handle_data(bytes data) { this->send(data); }
  void handle_close() { this->close(); }
};
template <class Place>
struct server : asyncore::dispatcher<server<Place>, server_loop<Place>> {
  explicit server(server_loop<Place>& loop) : server::dispatcher(loop) {
    this->create_socket();
    this->bind(asyncore::endpoint::parse("127.0.0.1:0"));
    this->listen();
  }
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    this->loop().template emplace<connection<Place>>(std::move(peer));
  }
};

BOOST_AUTO_TEST_SUITE(allocation)

BOOST_AUTO_TEST_CASE(is_counted_here) {
  const count_from_here count;
  ::operator delete(::operator new(1));  // not to be optimised away
  ::operator delete[](::operator new[](1));
  BOOST_TEST(count.allocations() == 2);
  BOOST_TEST(count.frees() == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(none_in_an_echo, Place, test::matrix) {
  echo_loop<Place> loop;
  test::ends pair = test::socket_pair();
  echo<Place> channel(loop, asyncore::socket(std::move(pair.near)));
  const auto round = [&] {
    const bool written = put_bytes(pair.far, 64);
    loop.poll(1s);
    return written && take_bytes(pair.far) == 64;
  };
  BOOST_REQUIRE(round());
  const count_from_here count;
  bool all = true;
  for (int i = 0; i < 1'000; ++i) all = round() && all;
  BOOST_TEST(count.allocations() == 0);
  BOOST_TEST(all);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(none_in_handle_read, Place, test::matrix) {
  reader_loop<Place> loop;
  test::ends pair = test::socket_pair();
  reader<Place> channel(loop, asyncore::socket(std::move(pair.near)));
  loop.poll();
  const count_from_here count;
  for (int i = 0; i < 1'000; ++i) {
    if (!put_bytes(pair.far, 3'000)) break;
    loop.poll(1s);
  }
  BOOST_TEST(count.allocations() == 0);
  BOOST_TEST(channel.read == 3'000'000u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(none_to_pause_and_resume, Place, test::matrix) {
  pausing_loop<Place> loop;
  const test::ends pipe = test::pipe_to_near();
  pausing<Place> channel(loop, pipe.near.get());
  const auto round = [&] {
    channel.paused = false;
    channel.rearm();
    const bool written = put_bytes(pipe.far, 10);
    loop.poll(1s);
    loop.poll();
    return written && channel.paused;
  };
  BOOST_REQUIRE(round());
  const count_from_here count;
  bool all = true;
  for (int i = 0; i < 1'000; ++i) all = round() && all;
  BOOST_TEST(count.allocations() == 0);
  BOOST_TEST(all);
  BOOST_TEST(channel.read == 10'010u);
}

// A peer that does not read while much is sent, again and again: the queue grows as it did before.
BOOST_AUTO_TEST_CASE_TEMPLATE(none_when_a_queue_grows_as_before, Place, test::matrix) {
  echo_loop<Place> loop;
  test::ends pair = test::socket_pair();
  echo<Place> channel(loop, asyncore::socket(std::move(pair.near)));
  static const std::array<std::byte, 100'000> much{};
  const auto round = [&] {
    for (int i = 0; i < 6; ++i) channel.send(much);
    const std::size_t waited = channel.queued();
    std::size_t taken = take_bytes(pair.far);
    for (int turns = 0; turns < 1'000 && taken < 6 * much.size(); ++turns) {
      loop.poll(1s);
      taken += take_bytes(pair.far);
    }
    return waited > 0 && taken == 6 * much.size() && channel.queued() == 0;
  };
  BOOST_REQUIRE(round());
  const count_from_here count;
  bool all = true;
  for (int i = 0; i < 20; ++i) all = round() && all;
  BOOST_TEST(count.allocations() == 0);
  BOOST_TEST(all);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_for_a_connection, Place, test::matrix) {
  constexpr std::size_t connections = 20;
  server_loop<Place> loop;
  server<Place> listener(loop);
  const asyncore::endpoint where = listener.local_addr();
  std::array<test::unique_fd, connections> clients;
  const auto open = [&] {
    for (test::unique_fd& client : clients) {
      client = test::unique_fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (::connect(client.get(), where.data(), where.size()) != 0) return false;
    }
    for (int turns = 0; turns < 1'000 && loop.size() < 1 + connections; ++turns) loop.poll(1s);
    return loop.size() == 1 + connections;
  };
  const auto close = [&] {
    for (test::unique_fd& client : clients) client.reset();
    for (int turns = 0; turns < 1'000 && loop.size() > 1; ++turns) loop.poll(1s);
    return loop.size() == 1;
  };
  BOOST_REQUIRE(open() && close());  // tables grow

  const count_from_here opening;
  const bool opened = open();
  const long for_opening = opening.allocations();
  const count_from_here closing;
  const bool closed = close();
  BOOST_TEST(opened);
  BOOST_TEST(for_opening == static_cast<long>(connections));  // the channel
  BOOST_TEST(closed);
  BOOST_TEST(closing.allocations() == 0);
  BOOST_TEST(closing.frees() == static_cast<long>(connections));
}

template <class Place>
struct leaver;
template <class Place>
using leaver_loop = typename Place::template loop<leaver<Place>>;
template <class Place>
struct leaver : asyncore::dispatcher_with_send<leaver<Place>, leaver_loop<Place>> {
  using leaver::dispatcher_with_send::dispatcher_with_send;
  void handle_data(bytes) {}
  void handle_close() { this->close(); }
};

// What would have looked after it, had its peer not ended, goes with it; whichever way that is.
BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_is_left_of_one_that_lingered, Place, test::matrix) {
  leaver_loop<Place> loop;
  const auto leave = [&](int way) {
    test::ends pair = test::socket_pair();
    auto channel = std::make_unique<leaver<Place>>(loop, asyncore::socket(std::move(pair.near)));
    channel->send("reply");
    channel->close_when_done();
    loop.poll();
    if (way == 0) pair.far.reset();  // the peer ends
    if (way == 1) channel->abort();
    if (way == 2) channel->del_channel();
    if (way == 3) loop.close_all();
    for (int turns = 0; way == 0 && turns < 1'000 && channel->registered(); ++turns) loop.poll(1s);
    return !channel->registered();
  };
  constexpr int times = 40;
  const auto taken = test::pipe_to_near();
  std::vector<test::unique_fd> others;  // so that each has a descriptor of its own
  others.reserve(2 * times);
  while (others.size() < 2 * times) others.push_back(test::checked(::dup(taken.near.get())));
  BOOST_REQUIRE(leave(0));  // tables grow, and timers
  others.clear();
  const count_from_here count;
  bool all = true;
  for (int i = 0; i < times; ++i) {
    all = leave(i % 5) == (i % 5 < 4) && all;
    others.push_back(test::checked(::dup(taken.near.get())));
  }
  BOOST_TEST(all);
  BOOST_TEST(count.allocations() > 0);
  BOOST_TEST(count.allocations() == count.frees());
}

// Whatever descriptors come, from the first on.
BOOST_AUTO_TEST_CASE(none_in_a_fixed_table) {
  constexpr std::size_t room = 50;
  using loop_type = asyncore::basic_loop<asyncore::select_poller, asyncore::fixed_fd_table<room>>;
  struct watcher : asyncore::channel<watcher, loop_type> {
    using channel::channel;
    void handle_read() {}
  };
  const auto loop = std::make_unique<loop_type>();
  const test::ends pipe = test::pipe_to_near();
  std::vector<test::unique_fd> fds;
  for (std::size_t i = 0; i < room; ++i)
    fds.push_back(test::checked(::fcntl(pipe.near.get(), F_DUPFD_CLOEXEC, 100 + 7 * i)));
  std::array<std::optional<watcher>, room> channels;

  const count_from_here count;
  for (int times = 0; times < 3; ++times) {
    for (std::size_t i = 0; i < room; ++i) channels[i].emplace(*loop, fds[i].get());
    loop->poll();
    for (auto& channel : channels) channel.reset();
  }
  BOOST_TEST(count.allocations() == 0);
  BOOST_TEST(loop->empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

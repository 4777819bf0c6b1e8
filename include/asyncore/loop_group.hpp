// SPDX-License-Identifier: BSL-1.0
/// Many cores: loops that run in threads of their own.
#ifndef ASYNCORE_LOOP_GROUP_HPP
#define ASYNCORE_LOOP_GROUP_HPP

#include <asyncore/channel/group_member.hpp>
#include <asyncore/dispatcher.hpp>
#include <asyncore/loop.hpp>
#include <asyncore/sys/processors.hpp>
#include <asyncore/word/log.hpp>
#include <asyncore/word/usage_check.hpp>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace asyncore {

/// How the loops of a group share the connections to one address.
enum class sharing {
  /// A listener for each loop, all bound to the address: the kernel chooses one by a hash of the
  /// connection's addresses (socket(7), SO_REUSEPORT). Loops share nothing, and few connections
  /// may lie unevenly. What waits in the backlog of a listener that closes is reset.
  reuse_port,
  /// One listener, in the first loop: `hand_out` gives each connection to the loop that has the
  /// fewest channels. Even, at the price of a post for each connection.
  least_loaded,
  /// All loops watch one socket, and the kernel wakes one or a few (epoll_ctl(2), EPOLLEXCLUSIVE):
  /// those that sleep take what comes, and a loop that is quick may take nearly all. A listener that
  /// stops accepting has the other loops look. A poller that cannot say so wakes all of them each
  /// time.
  exclusive
};

struct group_options {
  /// How many loops, each with a thread of its own; 0: one for each processor that the calling
  /// thread may use.
  std::size_t threads = 0;
  /// Each thread stays on one of the processors that the calling thread may use, in turn.
  bool pinned = false;
};

/// Loops of one type, each run by a thread of its own, without channels too, until `stop` or
/// `finish`. Loops and channels still belong to one thread: to the calling one until `start`, then
/// each to its own; to others `hand_out`, `post_each`, and `post` and `stop` of a loop. Runs once:
/// a second `start` aborts. A loop whose `run` is over destroys what is posted to it, at once.
template <class Loop>
class loop_group {
 public:
  /// The loops are made here, from copies of `args...`. Throws what that throws; bad_alloc.
  template <class... Args>
  explicit loop_group(group_options options = {}, const Args&... args);
  loop_group(const loop_group&) = delete;
  loop_group& operator=(const loop_group&) = delete;

  /// Stops and joins. Channels are closed in the calling thread, and may still post to any loop,
  /// which calls nothing more.
  ~loop_group() {
    stop();
    wait_for_threads();
    for (const auto& m : members_) core(m->loop).end();
  }

  /// The number of loops, at least 1.
  std::size_t size() const noexcept { return members_.size(); }

  /// `index` is below `size()`.
  Loop& operator[](std::size_t index) noexcept { return members_[index]->loop; }

  /// Opens `where`, emplaces a `Server(loop, args...)`, a dispatcher, in each loop that is to
  /// accept from it (in the first, for `least_loaded`; `args` are copied), gives it its socket and
  /// has it listen. Its `handle_accepted` emplaces the connection in its own loop, or, for
  /// `least_loaded`, calls `hand_out`. Returns the address, of port 0 the one that was taken. To be
  /// called before `start`. Throws `std::system_error` that names the call and the address.
  template <class Server, class... Args>
  endpoint listen(const endpoint& where, sharing how, const Args&... args);

  /// Has the loop with the fewest channels, those on their way counted, emplace
  /// `Channel(loop, args...)`; loops that have ended are passed over. When that throws there, it is
  /// logged and what was moved into `args` destroyed, as when no loop is left or the loop is
  /// stopped before. Thread-safe; O(loops). Throws bad_alloc.
  template <class Channel, class... Args>
  void hand_out(Args&&... args);

  /// Has each loop call a copy of `f`, `f(loop)`, in its own thread. Thread-safe. Throws bad_alloc,
  /// and what copying `f` throws.
  template <class F>
  void post_each(const F& f) {
    for (const auto& m : members_) m->loop.post([f, &loop = m->loop]() mutable { f(loop); });
  }

  /// Starts the threads; to be called once. Throws `std::system_error` when there are no more threads: those that
  /// have started are stopped and joined.
  void start();

  /// Waits for all threads. What left `run` of one of them (`exit_now`, `std::system_error` of its
  /// poller or of pinning it, what a `handle_error` threw) has stopped the others, and is thrown
  /// here: the first, if there are several.
  void join();

  /// `start` and `join`.
  void run() {
    start();
    join();
  }

  /// Ends `run` of all loops after the current turn; their channels stay open. Thread-safe, and
  /// safe in a signal handler.
  void stop() noexcept {
    for (const auto& m : members_) m->loop.stop();
  }

  /// Ends `run` of each loop when its last channel has closed. Thread-safe. Throws bad_alloc.
  void finish() {
    post_each([](Loop& loop) { member_of(loop).release(); });
  }

  /// The channels of the loop `index`, as it last said. Thread-safe.
  std::size_t channels(std::size_t index) const noexcept { return members_[index]->seat.load(); }

  /// True when `run` of the loop `index` is over. Thread-safe.
  bool ended(std::size_t index) const noexcept { return members_[index]->seat.has_ended(); }

 private:
  struct member {
    template <class... Args>
    explicit member(const Args&... args)
        : loop(args...) {
      member_of(loop).take(seat);
    }
    detail::group_seat seat;
    Loop loop;
    std::vector<token> shared;  // listeners of all loops, as this one knows them
    int processor = -1;
    std::thread thread;
  };

  using core_type = channel_access::core_of<Loop>;
  static core_type& core(Loop& loop) noexcept { return channel_access::core(loop); }
  static detail::group_member<core_type>& member_of(Loop& loop) {
    return core(loop).template service<detail::group_member<core_type>>();
  }

  static void pass_on(void* group, const core_type& by) noexcept;
  member* least_loaded() noexcept;
  member* expecting() noexcept;
  void work(member& m) noexcept;
  void run_member(member& m);
  void failed() noexcept;
  void wait_for_threads() noexcept {
    for (const auto& m : members_) {
      if (!m->thread.joinable()) continue;
      if (core(m->loop).elsewhere()) {
        m->thread.detach();  // a forked process does not have it
      } else {
        m->thread.join();
      }
    }
  }

  std::vector<std::unique_ptr<member>> members_;
  bool started_ = false;
  std::atomic<std::size_t> next_{0};  // where the search for the least loaded begins
#if ASYNCORE_HAS_EXCEPTIONS
  std::atomic<bool> any_failed_{false};
  std::exception_ptr failure_;
#endif
};

template <class Loop>
template <class... Args>
loop_group<Loop>::loop_group(group_options options, const Args&... args) {
  const std::vector<int> processors = usable_processors();
  const std::size_t count = options.threads != 0 ? options.threads : processors.size();
  for (std::size_t i = 0; i < count; ++i) {
    members_.push_back(std::make_unique<member>(args...));
    if (options.pinned) members_.back()->processor = processors[i % processors.size()];
  }
}

template <class Loop>
template <class Server, class... Args>
endpoint loop_group<Loop>::listen(const endpoint& where, sharing how, const Args&... args) {
  auto&& system = members_.front()->loop.system();
  const std::size_t count = how == sharing::least_loaded ? 1 : size();
  std::vector<socket> sockets;
  endpoint bound = where;
  for (std::size_t i = 0; i < count; ++i) {
    if (how == sharing::exclusive && i > 0) {
      sockets.push_back(detail::duplicate(system, sockets.front()));
    } else {
      sockets.push_back(detail::bound_socket(system, bound, how == sharing::reuse_port));
      if (i == 0) system.getsockname(sockets.front().native_handle(), bound);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    auto& server = members_[i]->loop.template emplace<Server>(args...);
    server.set_socket(std::move(sockets[i]));
    if (how == sharing::exclusive) server.watch_exclusively();
    server.listen();
    if (how != sharing::exclusive) continue;
    members_[i]->shared.push_back(server.id());
    member_of(members_[i]->loop).on_decline(&pass_on, this);
  }
  return bound;
}

/// Who waits may have woken only `by`, which does not accept: the others look.
template <class Loop>
void loop_group<Loop>::pass_on(void* group, const core_type& by) noexcept {
  for (const auto& m : static_cast<loop_group*>(group)->members_) {
    if (&core(m->loop) == &by || m->seat.has_ended()) continue;
    detail::guarded(
        [&] {
          m->loop.post([other = m.get()] {
            for (const token t : other->shared) core(other->loop).interests().watch_anew(core(other->loop), t);
          });
        },
        [] { log("error: no memory to tell another loop of a connection"); });
  }
}

template <class Loop>
typename loop_group<Loop>::member* loop_group<Loop>::least_loaded() noexcept {
  const std::size_t first = next_.fetch_add(1, std::memory_order_relaxed);
  member* best = nullptr;
  std::size_t least = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    member& m = *members_[(first + i) % members_.size()];
    const std::size_t load = m.seat.load();
    if (m.seat.has_ended() || (best != nullptr && load >= least)) continue;
    best = &m;
    least = load;
  }
  return best;
}

/// The one that is to have the next; null when all have ended.
template <class Loop>
typename loop_group<Loop>::member* loop_group<Loop>::expecting() noexcept {
  for (;;)
    if (member* const m = least_loaded(); m == nullptr || m->seat.expect()) return m;
}

template <class Loop>
template <class Channel, class... Args>
void loop_group<Loop>::hand_out(Args&&... args) {
  member* const found = expecting();
  if (found == nullptr) {
    const std::tuple<std::decay_t<Args>...> dropped(std::forward<Args>(args)...);
    return;
  }
  member& to = *found;
  detail::cleaning_up(
      [&] {
        to.loop.post([&to, ... args = std::forward<Args>(args)]() mutable {
          const detail::group_seat::arrival arrived(to.seat, to.loop);
          to.loop.template emplace<Channel>(std::move(args)...);
        });
      },
      [&] { to.seat.expect_no_more(); });
}

template <class Loop>
void loop_group<Loop>::start() {
  if (std::exchange(started_, true))
    detail::misused("asyncore: a loop_group runs once: make another one");
#if ASYNCORE_HAS_EXCEPTIONS
  try {
    for (const auto& m : members_) m->thread = std::thread([this, &m] { work(*m); });
  } catch (...) {
    stop();
    wait_for_threads();
    throw;
  }
#else
  for (const auto& m : members_) m->thread = std::thread([this, &m] { work(*m); });
#endif
}

template <class Loop>
void loop_group<Loop>::join() {
  wait_for_threads();
#if ASYNCORE_HAS_EXCEPTIONS
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
#endif
}

template <class Loop>
void loop_group<Loop>::work(member& m) noexcept {
#if ASYNCORE_HAS_EXCEPTIONS
  try {
    run_member(m);
  } catch (...) {
    failed();
  }
#else
  run_member(m);
#endif
  m.seat.end();
  core(m.loop).mail().close();  // nobody would call what is posted
}

template <class Loop>
void loop_group<Loop>::run_member(member& m) {
  if (m.processor >= 0) detail::throw_if(stay_on_processor(m.processor), "pin a thread");
  m.loop.run({.timeout = {}, .count = {}});
}

/// An exception has left a thread. The others would run on, and whoever joins wait for ever.
template <class Loop>
void loop_group<Loop>::failed() noexcept {
#if ASYNCORE_HAS_EXCEPTIONS
  if (!any_failed_.exchange(true)) failure_ = std::current_exception();
#endif
  stop();
}

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// The inside of a loop: its parts, and what channel kinds and services ask of them.
#ifndef ASYNCORE_LOOP_CORE_HPP
#define ASYNCORE_LOOP_CORE_HPP

#include <asyncore/concept/channel_access.hpp>
#include <asyncore/concept/channel_map.hpp>
#include <asyncore/concept/check.hpp>
#include <asyncore/concept/loop_service.hpp>
#include <asyncore/concept/poller.hpp>
#include <asyncore/concept/registration.hpp>
#include <asyncore/loop/accept_throttle.hpp>
#include <asyncore/loop/buffers.hpp>
#include <asyncore/loop/channel_set.hpp>
#include <asyncore/loop/dispatch.hpp>
#include <asyncore/loop/doorbell.hpp>
#include <asyncore/loop/hook_errors.hpp>
#include <asyncore/loop/interest_pass.hpp>
#include <asyncore/loop/registry.hpp>
#include <asyncore/loop/wake_schedule.hpp>
#include <asyncore/sys/standard_descriptors.hpp>
#include <asyncore/sys/waker.hpp>
#include <asyncore/word/duration.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/log.hpp>
#include <asyncore/word/usage_check.hpp>

#include <cstdint>
#include <type_traits>
#include <utility>

namespace asyncore::detail {

/// The parts, and the life of the channels. `channel_access::core` gives it to channel kinds and
/// services. The functions in the last public section are for the loop itself and its parts.
template <class Poller, class Map>
class ASYNCORE_BUILD_TAG loop_core : standard_descriptors {
  static_assert(check_poller<Poller>());
  static_assert(check_channel_map<Map>());
  using waker = typename waker_of<typename Poller::system>::type;

 public:
  using poller_type = Poller;
  using channels = channel_set<typename Map::channels>;
  using record = typename Map::record;
  using type_ref = typename record::type_ref;

  template <class... Args>
  explicit loop_core(Args&&... args) : poller_(std::forward<Args>(args)...) {}
  loop_core(const loop_core&) = delete;
  loop_core& operator=(const loop_core&) = delete;

  /// The set of system calls.
  decltype(auto) system() noexcept { return system_of(poller_); }

  /// The poller's observer, where it has one.
  template <class P = Poller>
  auto observer() noexcept -> decltype(std::declval<P&>().observer()) { return poller_.observer(); }

  /// True in a process that was forked after the loop was made.
  bool elsewhere() const noexcept { return bell_.elsewhere(); }
  /// True from the begin of a turn to its end, and while a last hook runs.
  bool in_turn() const noexcept { return in_turn_; }
  /// Hooks may be called outside of a turn while it lives: `run` and `poll` are refused in them.
  struct hooks_scope {
    explicit hooks_scope(loop_core& of) noexcept : core(of) { ++core.hooks_; }
    hooks_scope(const hooks_scope&) = delete;
    hooks_scope& operator=(const hooks_scope&) = delete;
    ~hooks_scope() { --core.hooks_; }
    loop_core& core;
  };

  // Channels

  std::size_t size() const noexcept { return registry_.size(); }
  bool empty() const noexcept { return size() == 0; }
  record* find(token id) const noexcept { return registry_.find(id); }
  /// True while the registration of this token lasts.
  bool alive(token id) const noexcept { return find(id) != nullptr; }

  /// What names a type of channel at run time.
  template <class Channel>
  static constexpr type_ref type_of() noexcept {
    static_assert(Map::channels::template contains<Channel>,
                  "asyncore: this channel type is not in the closed list of the loop's map: add it "
                  "to the list, as in fd_table<..., Channel>, or leave the list empty");
    return channels::template ref<Channel>();
  }

  /// Why a channel for `fd` would be refused; success if it would not.
  std::error_code room_for(int fd) const noexcept;
  /// Enters `r` under its descriptor; watched from the next wait on.
  void add(record& r, bool every_turn, std::error_code& failed);
  /// Takes `r`, which is registered, out of the map.
  void remove(record& r) noexcept;
  /// Takes `r` out of the map, if it is there, for good: an owned one is destroyed at the end of
  /// the turn. `told`: its class has a last hook, which `call_last_hook` calls before that.
  void remove_closed(record& r, bool told) noexcept;
  template <class Channel>
  void call_last_hook(Channel& c) noexcept;
  /// What `run` goes on for.
  run_holds& holds() noexcept { return registry_.holds(); }
  void work_is_done() noexcept {
    holds().remove_work([this] { bell_.ring(); });
  }

  // What channels want

  /// Has `r` finish what it put off and asked what it is interested in, before the next wait or
  /// the end of `run` or `poll`.
  void update_interest(record& r) noexcept {
    if (!r.registered()) return;  // the loop may be gone
    usage_.same_thread();
    interests_.mark_changed(r);
  }
  void update_interest(token id) noexcept {
    if (record* const r = find(id)) update_interest(*r);
  }
  void ask_again() noexcept { interests_.ask_again(); }
  interest_pass<loop_core, channels>& interests() noexcept { return interests_; }

  // Hooks and their errors

  hook_errors<loop_core, channels>& errors() noexcept { return errors_; }
  /// Reports a failed call to `handle_error` of `r`, as an exception where there are such.
  void report_error(record& r, std::error_code code, std::string_view what) {
    errors_.report(*this, r, code, what);
  }
  /// Calls `f`. What it throws is logged as from `of`, or reaches `handle_error` of the channel
  /// whose token that is; `exit_now` passes, and what leaves a `handle_error`.
  template <class F>
  void run_callback(const char* of, F&& f) {
    guarded([&] { observe<void>(*this, of, f); }, [&] { errors_.function_failed(of); });
  }
  template <class F>
  void run_callback(token of, F&& f) {
    guarded(f, [&] { errors_.hook_failed(*this, of); });
  }
  /// Calls `f`, the hook `name` of `c`: what it throws reaches `handle_error` of `c`.
  template <class Channel, class F>
  void call_hook(Channel& c, const char* name, F&& f) {
    const token id = as_kind(c).id();
    ask_again();
    guarded([&] { observe<Channel>(*this, name, f); }, [&] { errors_.hook_failed(*this, id); });
    update_interest(id);
  }

  // Time and services

  std::chrono::nanoseconds now() noexcept {
    if (!in_turn_) return read_clock();
    return schedule_.time([this] { return read_clock(); });
  }
  /// Drops the cached time of the turn; the next `now()` reads the clock.
  void forget_time() noexcept { schedule_.forget_time(); }
  /// Has the next wait end at `when` at the latest.
  void wake_by(wake_time when) noexcept {
    usage_.same_thread();
    schedule_.wake_by(when);
  }
  /// The loop's own `Service` (see concept/loop_service.hpp), which is made at the first call.
  template <class Service>
  Service& service() { return schedule_.template service<Service>(*this); }
  /// Ends the timers of `r`, which closes or is destroyed.
  ASYNCORE_COLD void drop_timers(record& r) noexcept {
    schedule_.each([&](auto& s) { s.of->ended(s, &r); });
  }
  /// Tells the services that a channel which was leaving is gone.
  ASYNCORE_COLD void forget(token id) noexcept {
    schedule_.each([&](auto& s) { s.of->forget(s, *this, id); });
  }
  /// Tells them that a listener which loops share has stopped accepting.
  ASYNCORE_COLD void decline() noexcept {
    schedule_.each([&](auto& s) { s.of->decline(s, *this); });
  }
  /// Calls `resume_accepting` of this channel, also after a shortage of kernel memory, when another
  /// has left the map, and if `for_a_while` after `exhaustion_pause` at the latest.
  void resume_later(token listener, bool for_a_while) noexcept;
  static constexpr std::chrono::nanoseconds exhaustion_pause = std::chrono::milliseconds(100);

  // Buffers, and other threads

  loop_buffers& buffers() noexcept { return buffers_; }
  doorbell<loop_core, waker>& bell() noexcept { return bell_; }
  mailbox& mail() noexcept { return bell_.mail(); }
  /// For the service of posts: tries again to open the bell.
  void look_for_waker() { bell_.try_to_open(*this, schedule_, add_waker()); }

  // For the loop itself

  Poller& poller() noexcept { return poller_; }
  auto& registry() noexcept { return registry_; }
  void answer_bell() noexcept { bell_.answer(schedule_); }
  [[gnu::always_inline]] void fetch(token t) const noexcept
    requires requires(const Map& m) { m.fetch(t); }
  {
    registry_.map().fetch(t);
  }
  bool stops() const noexcept { return bell_.stop_request().raised(); }
  /// True when `run` has nothing to wait for.
  bool idle() const noexcept {
    return !registry_.holds().any(size()) && bell_.mail().empty() && !schedule_.any_busy();
  }
  void close_all(bool ignore_errors);
  void own(record& r) noexcept { registry_.own(r); }
  /// Closes and destroys all that there is; `post` and `stop` may still be called.
  void end() noexcept;

 protected:
  ~loop_core() = default;

  /// For a destructor: ends the loop, whose channels may still use all of it.
  void finish();
  /// Calls `visit(record)` for each channel that is in the map now, if it is when its turn comes.
  template <class Visit>
  void visit_all(Visit visit);
  void reap() noexcept {
    if (!registry_.reap()) wake_by(wake_time::at_once());
  }
  void resume_throttled() noexcept;
  auto add_waker() noexcept;

  Poller poller_;
  detail::registry<Map, channels> registry_;
  loop_buffers buffers_;
  interest_pass<loop_core, channels> interests_;
  bool in_turn_ = false;
  int hooks_ = 0;  // calls under way that may call hooks, in a turn or outside
  doorbell<loop_core, waker> bell_;
  [[no_unique_address]] usage_check<ASYNCORE_DEBUG != 0> usage_;
  wake_schedule<loop_core> schedule_;
  accept_throttle throttle_;
  hook_errors<loop_core, channels> errors_;

 private:
  std::chrono::nanoseconds read_clock() noexcept;
  void end_channels() noexcept;
  void end_record(record& r) noexcept;

  bool ends_silently_ = false;  // the loop ends, and its last hooks open channels again and again
};

template <class Poller, class Map>
std::error_code loop_core<Poller, Map>::room_for(int fd) const noexcept {
  if constexpr (requires { Poller::fd_limit; })
    if (fd >= Poller::fd_limit) return std::make_error_code(std::errc::value_too_large);
  return registry_.map().room_for(fd);
}

template <class Poller, class Map>
void loop_core<Poller, Map>::add(record& r, bool every_turn, std::error_code& failed) {
  usage_.same_thread();
  failed = r.id().fd < 0 ? errno_code(EBADF) : room_for(r.id().fd);
  if (failed) return;
  registry_.enter(r, every_turn);
  interests_.enter(r);
}

template <class Poller, class Map>
void loop_core<Poller, Map>::remove(record& r) noexcept {
  usage_.same_thread();
  interests_.forget(*this, r);
  registry_.leave(r);
  // A descriptor may be free now: listeners that wait for one try again.
  if (throttle_.release()) [[unlikely]]
    schedule_.wake_by(wake_time::at_once());
}

template <class Poller, class Map>
void loop_core<Poller, Map>::remove_closed(record& r, bool told) noexcept {
  const bool was_here = r.registered() || !r.unlinked();
  if (!was_here && r.has_closed()) return;  // it closes again, in its last hook or behind that
  if (r.registered()) remove(r);
  registry_.close(r, told && was_here);
  if (r.has_timers()) [[unlikely]]
    drop_timers(r);
}

template <class Poller, class Map>
template <class Channel>
ASYNCORE_NOINLINE void loop_core<Poller, Map>::call_last_hook(Channel& c) noexcept {
  if (ends_silently_) return;
  const bool in_turn = std::exchange(in_turn_, true);
  ask_again();
  const auto call = [&] {
    observe<Channel>(*this, "handle_closed", [&] { c.handle_closed(info_of(c)); });
  };
  if (!errors_.call_last_hook(call, type_name<Channel>())) bell_.stop_request().raise();
  in_turn_ = in_turn;
}

template <class Poller, class Map>
[[gnu::noinline]] std::chrono::nanoseconds loop_core<Poller, Map>::read_clock() noexcept {
  return system().now();
}

template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::resume_later(token listener,
                                                         bool for_a_while) noexcept {
  throttle_.add(listener, for_a_while ? wake_time::at(system().now() + exhaustion_pause)
                                      : wake_time::each_turn());
  wake_by(throttle_.retry());
}

template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::resume_throttled() noexcept {
  const auto resume = [](record& r) { channels::template perform<op::resume>(r); };
  throttle_.resume(
      [&](token listener) {
        if (record* const r = find(listener)) resume(*r);
      },
      [&] { registry_.map().for_each(resume); });
}

/// Has the poller watch the bell; gives the generation of its token, or 0 and why not.
template <class Poller, class Map>
auto loop_core<Poller, Map>::add_waker() noexcept {
  return [this](int fd, std::error_code& failed) -> std::uint32_t {
    if constexpr (requires { registry_.map().cover(0); }) registry_.map().cover(fd);
    const std::uint32_t generation = registry_.next_generation();
    failed = poller_.add({fd, generation}, interest::read);
    return failed ? 0 : generation;
  };
}

template <class Poller, class Map>
template <class Visit>
void loop_core<Poller, Map>::visit_all(Visit visit) {
  const hooks_scope hooks(*this);
  typename interest_pass<loop_core, channels>::put_back all(interests_, *this);
  registry_.map().for_each([&](record& r) { r.link_before(all.left); });
  while (!all.left.unlinked()) visit(all.next());
  if (!in_turn_) reap();
}

template <class Poller, class Map>
void loop_core<Poller, Map>::close_all([[maybe_unused]] bool ignore_errors) {
  visit_all([&](record& r) {
    const token id = r.id();
    guarded([&] { channels::template perform<op::close>(r); },
            [&] {
#if ASYNCORE_HAS_EXCEPTIONS
              if (!ignore_errors) throw;
#endif
              if (record* const left = registry_.at(id)) end_record(*left);
            });
  });
}

template <class Poller, class Map>
void loop_core<Poller, Map>::finish() {
  if constexpr (ASYNCORE_DEBUG != 0)
    if (!elsewhere()) usage_.may_end(hooks_ > 0);
  end();
  holds().wait_until_left();
  if (holds().any_work()) misused("asyncore: a work_guard outlives its loop");
}

/// Destructors may emplace, and post, when all that there was is gone: that ends, too. Not without
/// end, lest a client that connects again in its destructor keep the program from its own.
template <class Poller, class Map>
ASYNCORE_NOINLINE void loop_core<Poller, Map>::end() noexcept {
  constexpr int most_told = 8;  // rounds in which last hooks are called
  constexpr int most_rounds = 100;
  int round = 0;
  do {
    ends_silently_ = round >= most_told;
    end_channels();
    mail().close();  // before the timers, which these functions may cancel at their end
  } while (registry_.any_left() && ++round < most_rounds);
  if (bell_.id().generation != 0 && !elsewhere()) poller_.remove(bell_.id());
  bell_.forget_token();
  schedule_.end();
}

template <class Poller, class Map>
void loop_core<Poller, Map>::end_channels() noexcept {
  const auto as_record = [](list_node* node) -> record& { return static_cast<record&>(*node); };
  reap();
  list_node left;
  registry_.map().for_each([&](record& r) { r.link_before(left); });
  while (!left.unlinked()) end_record(as_record(left.front()));
  // One that its user owns goes back to this list when it leaves the map, and is asked again.
  while (!registry_.idle().unlinked()) end_record(as_record(registry_.idle().front()));
  reap();
}

/// Ends a channel that does not close by itself.
template <class Poller, class Map>
void loop_core<Poller, Map>::end_record(record& r) noexcept {
  const bool told = channels::template perform<op::is_told>(r);
  if (told || !r.owned()) channels::template perform<op::abandon>(r);
  if (told || r.owned()) return remove_closed(r, told);
  if (r.registered()) remove(r);
  r.unlink();
}

}  // namespace asyncore::detail

#endif

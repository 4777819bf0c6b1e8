// SPDX-License-Identifier: BSL-1.0
/// Entering and leaving a `loop_core`, and the life of its owned channels. Included by core.hpp.
#ifndef ASYNCORE_LOOP_REGISTRY_HPP
#define ASYNCORE_LOOP_REGISTRY_HPP

#include <asyncore/loop/core.hpp>

#include <cstdlib>

namespace asyncore::detail {

template <class Poller, class Map>
void loop_core<Poller, Map>::finish() {
  if constexpr (ASYNCORE_DEBUG != 0)
    if (!elsewhere()) usage_.may_end(hooks_ > 0);
  end();
  holds_.wait_until_left();
  if (!holds_.any_work()) return;
  misused("asyncore: a work_guard outlives its loop");
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
    bell_.mail().close();  // before the timers, which these functions may cancel at their end
  } while (!(empty() && idle_.unlinked() && closed_.unlinked()) && ++round < most_rounds);
  if (bell_.id().generation != 0 && !elsewhere()) poller_.remove(bell_.id());
  bell_.forget_token();
  schedule_.end();
}

template <class Poller, class Map>
void loop_core<Poller, Map>::end_channels() noexcept {
  reap();
  list_node left;
  map_.for_each([&](record& r) { r.link_before(left); });
  while (!left.unlinked()) end_record(as_record(left.front()));
  // One that its user owns goes back to this list when it leaves the map, and is asked again.
  while (!idle_.unlinked()) end_record(as_record(idle_.front()));
  reap();
}

template <class Poller, class Map>
void loop_core<Poller, Map>::own(record& r) noexcept {
  r.owned_ = true;
  if (r.closed_) {
    r.link_before(closed_);
  } else if (!r.registered()) {
    r.link_before(idle_);
  }
}

template <class Poller, class Map>
template <class Channel>
constexpr typename loop_core<Poller, Map>::type_ref loop_core<Poller, Map>::type_of() noexcept {
  static_assert(Map::channels::template contains<Channel>,
                "asyncore: this channel type is not in the closed list of the loop's map: add it "
                "to the list, as in fd_table<..., Channel>, or leave the list empty");
  return channels::template ref<Channel>();
}

template <class Poller, class Map>
std::error_code loop_core<Poller, Map>::room_for(int fd) const noexcept {
  if constexpr (requires { Poller::fd_limit; })
    if (fd >= Poller::fd_limit) return std::make_error_code(std::errc::value_too_large);
  return map_.room_for(fd);
}

template <class Poller, class Map>
void loop_core<Poller, Map>::add(record& r, bool every_turn, std::error_code& failed) {
  usage_.same_thread();
  if (r.id_.fd < 0) {
    failed = errno_code(EBADF);
    return;
  }
  failed = room_for(r.id_.fd);
  if (failed) return;
  if (++last_generation_ == 0) ++last_generation_;
  const token id{r.id_.fd, last_generation_};
  map_.insert(id, r);
  r.id_ = id;
  r.armed_ = interest::none;
  if (r.closed_) r.reason_ = r.counts_loss_ = 0;
  r.polled_ = r.paused_ = r.hung_up_ = r.closed_ = false;
  r.every_turn_ = every_turn;
  holds_.add_unref(r.unref_);
  r.link_before(every_turn ? every_turn_ : changed_);
  ask_again_ = true;
}

template <class Poller, class Map>
void loop_core<Poller, Map>::remove(record& r) noexcept {
  usage_.same_thread();
  stop_polling(r);
  map_.erase(r.id_);
  holds_.remove_unref(r.unref_);
  r.id_.generation = 0;
  r.link_before(idle_);
  // A descriptor may be free now: listeners that wait for one try again.
  if (throttle_.release()) [[unlikely]]
    schedule_.wake_by(wake_time::at_once());
}

template <class Poller, class Map>
void loop_core<Poller, Map>::remove_closed(record& r, bool told) noexcept {
  const bool was_here = r.registered() || !r.unlinked();
  if (!was_here && r.closed_) return;  // it closes again, in its last hook or behind that
  if (r.registered()) remove(r);
  r.closed_ = true;
  if (r.owned_ || (told && was_here)) {
    r.link_before(closed_);
  } else {
    r.unlink();
  }
  if (r.has_timers_) [[unlikely]]
    drop_timers(r);
}

template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::drop_timers(record& r) noexcept {
  schedule_.each([&](auto& s) { s.of->ended(s, &r); });
}

/// Calls the last hooks of the channels that closed, and destroys the owned ones. What closes
/// meanwhile has its turn, too, but not without end: the rest is left to the end of the next turn.
template <class Poller, class Map>
void loop_core<Poller, Map>::reap() noexcept {
  constexpr int most_rounds = 8;
  for (int round = 0; !closed_.unlinked(); ++round) {
    if (round == most_rounds) return wake_by(wake_time::at_once());
    list_node closed;
    closed.take(closed_);
    while (!closed.unlinked()) {
      record& r = as_record(closed.front());
      const bool owned = r.owned_;
      r.unlink();
      channels::template perform<op::last_hook>(r);
      // One that the loop does not own may be gone; an owned one may be open again.
      if (owned && r.closed_ && r.unlinked()) channels::template perform<op::destroy>(r);
    }
  }
}

/// Ends a channel that does not close by itself.
template <class Poller, class Map>
void loop_core<Poller, Map>::end_record(record& r) noexcept {
  const bool told = channels::template perform<op::is_told>(r);
  if (told || !r.owned_) channels::template perform<op::abandon>(r);
  if (told || r.owned_) return remove_closed(r, told);
  if (r.registered()) remove(r);
  r.unlink();
}

template <class Poller, class Map>
template <class Channel>
ASYNCORE_NOINLINE void loop_core<Poller, Map>::call_last_hook(Channel& c) noexcept {
  if (ends_silently_) return;
  const bool in_turn = std::exchange(in_turn_, true);
  ask_again_ = true;
  const auto call = [&] {
    observe<Channel>(*this, "handle_closed", [&] { c.handle_closed(info_of(c)); });
  };
#if ASYNCORE_HAS_EXCEPTIONS
  try {
    call();
  } catch (const exit_now&) {
    bell_.stop_request().raise();
  } catch (...) {
    try {
      log(joined({"error: uncaught exception from handle_closed of ",
                          type_name<Channel>(), ": ", current_error_text({})}));
    } catch (...) {  // there is no memory, or no log: there is nobody else to tell
    }
  }
  in_handle_error_ = false;
#else
  call();
#endif
  in_turn_ = in_turn;
}

/// Puts what an exception has kept us from coming to back into the lists that it was in.
template <class Poller, class Map>
struct loop_core<Poller, Map>::restore_scope {
  explicit restore_scope(loop_core& loop) noexcept : loop_(loop) {}
  restore_scope(const restore_scope&) = delete;
  restore_scope& operator=(const restore_scope&) = delete;
  ~restore_scope() {
    loop_.visit_before_wait(current_);
    while (!left_.unlinked()) next();
  }
  record& next() noexcept {
    record& r = as_record(left_.front());
    r.link_before(r.every_turn_ ? loop_.every_turn_ : loop_.changed_);
    return r;
  }
  loop_core& loop_;
  list_node left_;
  token current_;  // in no list while it is visited
};

template <class Poller, class Map>
void loop_core<Poller, Map>::close_all([[maybe_unused]] bool ignore_errors) {
  const hooks_scope hooks(*this);
  restore_scope scope(*this);
  map_.for_each([&](record& r) { r.link_before(scope.left_); });
  while (!scope.left_.unlinked()) {
    record& r = scope.next();
    const token id = r.id();
    guarded([&] { channels::template perform<op::close>(r); },
                    [&] {
#if ASYNCORE_HAS_EXCEPTIONS
                      if (!ignore_errors) throw;
#endif
                      if (record* const left = map_.find(id)) end_record(*left);
                    });
  }
  if (!in_turn_) reap();
}

}  // namespace asyncore::detail

#endif

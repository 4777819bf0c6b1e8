// SPDX-License-Identifier: BSL-1.0
/// What the channels of `loop_core` want, told to the poller before each wait. Included by
/// core.hpp.
#ifndef ASYNCORE_LOOP_INTEREST_PASS_HPP
#define ASYNCORE_LOOP_INTEREST_PASS_HPP

#include <asyncore/loop/core.hpp>

#include <vector>

namespace asyncore::detail {

template <class Poller>
std::error_code add_to(Poller& poller, token id, interest wanted, bool exclusive) {
  if constexpr (requires { poller.add_exclusive(id, wanted); })
    if (exclusive) [[unlikely]]
      return poller.add_exclusive(id, wanted);
  return poller.add(id, wanted);
}

template <class Poller, class Map>
inline void loop_core<Poller, Map>::visit_before_wait(record& r) noexcept {
  if (!r.registered()) return;  // the loop may be gone
  usage_.same_thread();
  if (r.every_turn_ || r.unlinked()) r.link_before(changed_);
}
template <class Poller, class Map>
inline void loop_core<Poller, Map>::visit_before_wait(token id) noexcept {
  if (record* const r = find(id)) visit_before_wait(*r);
}

template <class Poller, class Map>
inline bool loop_core<Poller, Map>::any_every_turn() const noexcept {
  return channels::template any_asked<predicate_mode::every_turn>() &&
         !(every_turn_.unlinked() && asking_.unlinked());
}

template <class Poller, class Map>
consteval bool loop_core<Poller, Map>::any_pause() noexcept {
  return channels::template any_asked<predicate_mode::every_turn>() ||
         channels::template any_asked<predicate_mode::on_rearm>();
}

template <class Poller, class Map>
void loop_core<Poller, Map>::before_wait() {
  if (ASYNCORE_DEBUG == 0 && changed_.unlinked() && !any_every_turn()) return;
  const bool stopping = stops();
  const bool idles = idle();  // a turn of `poll`, for channels that `run` does not go on for
  // What a visit changes in others is visited too, and a hook that it calls may change what those
  // before it have answered; not without end, lest two channels that change each other keep the
  // loop from its wait.
  constexpr int most_passes = 8;
  int pass = 0;
  do {
    if (!changed_.unlinked()) visit_changed(false);
    ask_again_ = false;
    if (any_every_turn()) visit_every_turn(pass == 0);
  } while ((ask_again_ || !changed_.unlinked()) && ++pass < most_passes);
  if constexpr (ASYNCORE_DEBUG != 0) check_rearmed();
  // Stopped or emptied on the way, by a predicate or a hook: nothing else may ever end the wait.
  if ((stops() && !stopping) || (idle() && (!idles || empty()))) [[unlikely]]
    wake_by(wake_time::at_once());
}

/// A channel whose predicate threw is not asked again before this wait.
template <class Poller, class Map>
void loop_core<Poller, Map>::visit_every_turn(bool first_pass) {
  // All of them, also when an exception ended the last round before its end.
  while (!asking_.unlinked()) asking_.front()->link_before(every_turn_);
  asking_.take(every_turn_);
  while (!asking_.unlinked()) {
    record& r = as_record(asking_.front());
    r.link_before(every_turn_);
    if (first_pass || !r.threw_) visit(r);
  }
}

/// Those that are asked every turn have their visit before each wait anyway, so only after the
/// last.
template <class Poller, class Map>
void loop_core<Poller, Map>::visit_changed(bool last) {
  restore_scope visiting(*this);
  visiting.left_.take(changed_);
  while (!visiting.left_.unlinked()) {
    record& r = as_record(visiting.left_.front());
    if (r.every_turn_) {
      r.link_before(every_turn_);
      if (!last) continue;
    } else {
      r.unlink();
    }
    visiting.current_ = r.id();
    visit(r);
    visiting.current_ = {};
  }
}

/// Lets a channel finish what it put off, and tells the poller what it wants.
template <class Poller, class Map>
void loop_core<Poller, Map>::visit(record& r) {
  const token id = r.id();
  r.threw_ = false;
  guarded(
      [&] {
        const interest wanted = channels::template perform<op::before_wait>(r);
        if (map_.find(id) == &r) arm(r, wanted);
      },
      [&] {
        if (map_.find(id) == &r) r.threw_ = true;
        hook_failed(id);
      });
}

template <class Poller, class Map>
template <class Channel>
void loop_core<Poller, Map>::asked_after_hook(token id) {
  record* const r = find(id);
  if (r == nullptr || !r->unlinked()) return;
  const interest wanted = op::ask::on(static_cast<Channel&>(*r));
  if (map_.find(id) == r && wanted != r->armed_) r->link_before(changed_);
}

/// Changes what the poller watches for, once a turn at most for a channel, so that an interest that
/// goes and comes back costs nothing.
template <class Poller, class Map>
void loop_core<Poller, Map>::arm(record& r, interest wanted) {
  if (wanted == r.armed_ || r.hung_up_ || arms_later(r, wanted)) return;
  std::error_code failed;
  if (r.exclusive_ && r.polled_) [[unlikely]]
    check_declined(r, wanted);
  if (r.polled_) {
    failed = poller_.modify(r.id_, wanted);
  } else {
    failed = add_to(poller_, r.id_, wanted, r.exclusive_);
    r.polled_ = !failed;
  }
  r.armed_ = wanted;
  r.paused_ = false;
  if (failed) refused(r, failed);
}

/// The poller goes on with what the channel wanted before, and would report it for ever: it hears of
/// the channel again when that wants something else.
template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::refused(record& r, std::error_code failed) {
  if (r.polled_) poller_.remove(r.id_);
  r.polled_ = false;
  report_error(r, failed, Poller::name);
}

/// Of the loops that share a listener the kernel may have woken this one alone.
template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::check_declined(const record& r,
                                                           interest wanted) noexcept {
  if (!any(r.armed_, interest::read) || any(wanted, interest::read)) return;
  schedule_.each([&](auto& s) { s.of->decline(s, *this); });
}

/// Another loop has stopped accepting from this one's listener: looks whether somebody waits. An
/// addition makes epoll look.
template <class Poller, class Map>
void loop_core<Poller, Map>::watch_anew(token id) noexcept {
  record* const r = map_.find(id);
  if (r == nullptr || !r->polled_ || !any(r->armed_, interest::read)) return;
  poller_.remove(id);
  r->polled_ = false;
  r->armed_ = interest::none;
  visit_before_wait(*r);
}

/// A channel that stops reading often reads again before anything arrives: the poller is told only
/// when something has. Channels without predicates are not asked what they want of a report, so
/// that it cannot be unwanted.
template <class Poller, class Map>
bool loop_core<Poller, Map>::arms_later(record& r, interest wanted) noexcept {
  if constexpr (requires { Poller::changes_cost; }) {
    if (!any_pause() || r.exclusive_) return false;
    const bool pauses = r.polled_ && r.armed_ == (wanted | interest::read);
    const bool resumes = r.paused_ && wanted == (r.armed_ | interest::read);
    if ((!pauses && !resumes) ||
        channels::template perform<op::mode>(r) == predicate_mode::constant)
      return false;
    r.paused_ = pauses;
    r.armed_ = wanted;
    return true;
  } else {
    return false;
  }
}

/// Has the poller watch a channel for reading from now on, and not only from the next wait, so that
/// the caller hears of it when the poller refuses.
template <class Poller, class Map>
void loop_core<Poller, Map>::watch_now(record& r, std::error_code& failed) {
  if (!r.registered() || r.polled_ || r.hung_up_) return;
  failed = add_to(poller_, r.id_, interest::read, r.exclusive_);
  if (failed) return;
  r.polled_ = true;
  r.armed_ = interest::read;
}

template <class Poller, class Map>
ASYNCORE_COLD void loop_core<Poller, Map>::unwanted(token id) {
  if (arm_paused(id)) ++unwanted_;
}

/// Something has arrived for a channel that may have stopped reading; returns whether it has.
template <class Poller, class Map>
ASYNCORE_COLD bool loop_core<Poller, Map>::arm_paused(token id) {
  record* const r = find(id);
  if (r == nullptr || !r->paused_) return false;
  r->paused_ = false;
  if (const std::error_code failed = poller_.modify(id, r->armed_)) refused(*r, failed);
  return true;
}

/// Aborts when an answer changed without `rearm`: the poller would never have heard of it.
template <class Poller, class Map>
void loop_core<Poller, Map>::check_rearmed() {
  if (!channels::template any_asked<predicate_mode::on_rearm>()) return;
  std::vector<token> quiet;  // a predicate may change the map
  map_.for_each([&](record& r) {
    if (r.unlinked() && !r.hung_up_) quiet.push_back(r.id());
  });
  for (const token id : quiet) {
    record* const r = map_.find(id);
    if (r == nullptr || !r->unlinked()) continue;
    if (channels::template perform<op::mode>(*r) != predicate_mode::on_rearm) continue;
    const interest armed = r->armed_;
    interest answer = armed;  // what the predicate throws here it will throw when it counts
    guarded([&] { answer = channels::template perform<op::ask>(*r); }, [] {});
    if (answer == armed || map_.find(id) != r) continue;
    log(joined({"asyncore: readable() or writable() of ",
                        channels::template perform<op::name>(*r),
                        " changed its answer without rearm()"}));
    std::abort();
  }
}

}  // namespace asyncore::detail

#endif

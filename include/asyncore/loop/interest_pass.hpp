// SPDX-License-Identifier: BSL-1.0
/// What the channels of a loop want, told to the poller before each wait.
#ifndef ASYNCORE_LOOP_INTEREST_PASS_HPP
#define ASYNCORE_LOOP_INTEREST_PASS_HPP

#include <asyncore/concept/registration.hpp>
#include <asyncore/loop/channel_operations.hpp>
#include <asyncore/word/config.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/interest.hpp>
#include <asyncore/word/list_node.hpp>
#include <asyncore/word/log.hpp>
#include <asyncore/word/token.hpp>
#include <asyncore/word/wake_time.hpp>

#include <cstdlib>
#include <system_error>
#include <vector>

namespace asyncore::detail {

/// `Channels`: the `channel_set` of the loop. A `Core` has a poller, a registry and hook_errors; it
/// says whether it is stopping or idle, and is told when a wait must not last and when a listener
/// that loops share stops reading.
template <class Core, class Channels>
class interest_pass {
 public:
  using record = typename Channels::record;

  /// `r` has entered the map.
  void enter(record& r) noexcept {
    r.link_before(r.every_turn_ ? every_turn_ : changed_);
    ask_again_ = true;
  }

  /// Has `r`, which is registered, finish what it put off and asked what it wants, before the next
  /// wait or the end of `run` or `poll`.
  void mark_changed(record& r) noexcept {
    if (r.every_turn_ || r.unlinked()) r.link_before(changed_);
  }
  bool any_changed() const noexcept { return !changed_.unlinked(); }

  /// A hook is called: the answers before it in this turn may be out of date.
  void ask_again() noexcept { ask_again_ = true; }

  /// Before a wait.
  void update(Core& core) {
    reports_ignored_ = 0;
    if (ASYNCORE_DEBUG == 0 && changed_.unlinked() && !any_every_turn()) return;
    pass(core);
  }

  /// At the end of `run` and `poll`: also those that are asked every turn.
  void flush(Core& core) {
    if (!changed_.unlinked()) visit_changed(core, true);
  }

  /// Reports in this turn that paused channels did not want.
  int reports_ignored() const noexcept { return reports_ignored_; }

  /// Something that its channel does not want now was reported for this token.
  ASYNCORE_COLD void ignore_report(Core& core, token id) {
    if (settle_pause(core, id)) ++reports_ignored_;
  }

  /// Something has arrived for a channel that may have stopped reading; returns whether it has.
  ASYNCORE_COLD bool settle_pause(Core& core, token id) {
    record* const r = core.find(id);
    if (r == nullptr || !r->paused_) return false;
    r->paused_ = false;
    if (const std::error_code failed = core.poller().modify(id, r->armed_)) refuse(core, *r, failed);
    return true;
  }
  /// True where a channel may have stopped reading without the poller's knowing.
  static consteval bool defers_pauses() {
    return Channels::template any_asked<predicate_mode::every_turn>() ||
           Channels::template any_asked<predicate_mode::on_rearm>();
  }

  /// Asks an `ask_on_rearm` channel again, if its hook has left it in the loop.
  template <class Channel>
  void ask_after_hook(Core& core, token id) {
    record* const r = core.find(id);
    if (r == nullptr || !r->unlinked()) return;
    const interest wanted = op::ask::on(static_cast<Channel&>(*r));
    if (core.registry().at(id) == r && wanted != r->armed_) r->link_before(changed_);
  }

  /// Has the poller watch a channel for reading from now on, and not only from the next wait, so
  /// that the caller hears of it when the poller refuses.
  void watch_now(Core& core, record& r, std::error_code& failed) {
    if (!r.registered() || r.polled_ || r.hung_up_) return;
    failed = add(core, r, interest::read);
    if (failed) return;
    r.polled_ = true;
    r.armed_ = interest::read;
  }

  /// Another loop has stopped accepting from this one's listener: looks whether somebody waits. An
  /// addition makes epoll look.
  void watch_anew(Core& core, token id) noexcept {
    record* const r = core.registry().at(id);
    if (r == nullptr || !r->polled_ || !any(r->armed_, interest::read)) return;
    core.poller().remove(id);
    r->polled_ = false;
    r->armed_ = interest::none;
    mark_changed(*r);
  }

  /// The poller watches `r` no more.
  void forget(Core& core, record& r) noexcept {
    if (r.exclusive_ && r.polled_) [[unlikely]]
      check_declined(core, r, interest::none);
    if (r.polled_ && !core.elsewhere()) core.poller().remove(r.id_);
    r.polled_ = r.paused_ = false;
    r.armed_ = interest::none;
  }

  /// The poller reports `r` again when it wants something else, as when it reads again. Its armed
  /// interest stays, or the next visit would arm it again, to be woken for the same.
  void park(Core& core, record& r) noexcept {
    const interest armed = r.armed_;
    forget(core, r);
    r.armed_ = armed;
  }

  /// Holds channels that are visited one after the other. Those that are left, when an exception
  /// ends the visits, go back into the lists that they were in.
  class put_back {
   public:
    explicit put_back(interest_pass& of, Core& core) noexcept : of_(of), core_(core) {}
    put_back(const put_back&) = delete;
    put_back& operator=(const put_back&) = delete;
    ~put_back() {
      if (record* const r = core_.find(current)) of_.mark_changed(*r);
      while (!left.unlinked()) next();
    }
    record& next() noexcept {
      record& r = as_record(left.front());
      r.link_before(r.every_turn_ ? of_.every_turn_ : of_.changed_);
      return r;
    }
    list_node left;
    token current;  // in no list while it is visited

   private:
    interest_pass& of_;
    Core& core_;
  };

 private:
  static record& as_record(list_node* node) noexcept { return static_cast<record&>(*node); }

  bool any_every_turn() const noexcept {
    return Channels::template any_asked<predicate_mode::every_turn>() &&
           !(every_turn_.unlinked() && asking_.unlinked());
  }

  /// A visit that changes other channels has them visited, too, and a hook that it calls may change
  /// earlier answers; not without end, lest two channels that change each other keep the loop from
  /// its wait.
  void pass(Core& core) {
    const bool stopping = core.stops();
    const bool idles = core.idle();  // a turn of `poll`, for channels that `run` does not go on for
    constexpr int most_passes = 8;
    int count = 0;
    do {
      if (!changed_.unlinked()) visit_changed(core, false);
      ask_again_ = false;
      if (any_every_turn()) visit_every_turn(core, count == 0);
    } while ((ask_again_ || !changed_.unlinked()) && ++count < most_passes);
    if constexpr (ASYNCORE_DEBUG != 0) check_rearmed(core);
    // Stopped or emptied on the way, by a predicate or a hook: nothing else may ever end the wait.
    if ((core.stops() && !stopping) || (core.idle() && (!idles || core.empty()))) [[unlikely]]
      core.wake_by(wake_time::at_once());
  }

  /// A channel whose predicate threw is not asked again before this wait.
  void visit_every_turn(Core& core, bool first_pass) {
    // All of them, also when an exception ended the last round before its end.
    while (!asking_.unlinked()) asking_.front()->link_before(every_turn_);
    asking_.take(every_turn_);
    while (!asking_.unlinked()) {
      record& r = as_record(asking_.front());
      r.link_before(every_turn_);
      if (first_pass || !r.threw_) visit(core, r);
    }
  }

  /// Those that are asked every turn have their visit before each wait anyway, so only after the
  /// `last`.
  void visit_changed(Core& core, bool last) {
    put_back visiting(*this, core);
    visiting.left.take(changed_);
    while (!visiting.left.unlinked()) {
      record& r = as_record(visiting.left.front());
      if (r.every_turn_) {
        r.link_before(every_turn_);
        if (!last) continue;
      } else {
        r.unlink();
      }
      visiting.current = r.id();
      visit(core, r);
      visiting.current = {};
    }
  }

  /// Lets a channel finish what it put off, and tells the poller what it wants.
  void visit(Core& core, record& r) {
    const token id = r.id();
    r.threw_ = false;
    guarded(
        [&] {
          const interest wanted = Channels::template perform<op::before_wait>(r);
          if (core.registry().at(id) == &r) arm(core, r, wanted);
        },
        [&] {
          if (core.registry().at(id) == &r) r.threw_ = true;
          core.errors().hook_failed(core, id);
        });
  }

  /// Changes what the poller watches for. Only a visit does that, and not each change by a hook, so
  /// that an interest that goes and comes back costs nothing.
  void arm(Core& core, record& r, interest wanted) {
    if (wanted == r.armed_ || r.hung_up_ || defer_pause(r, wanted)) return;
    std::error_code failed;
    if (r.exclusive_ && r.polled_) [[unlikely]]
      check_declined(core, r, wanted);
    if (r.polled_) {
      failed = core.poller().modify(r.id_, wanted);
    } else {
      failed = add(core, r, wanted);
      r.polled_ = !failed;
    }
    r.armed_ = wanted;
    r.paused_ = false;
    if (failed) refuse(core, r, failed);
  }

  static std::error_code add(Core& core, record& r, interest wanted) {
    if constexpr (requires { core.poller().add_exclusive(r.id_, wanted); })
      if (r.exclusive_) [[unlikely]]
        return core.poller().add_exclusive(r.id_, wanted);
    return core.poller().add(r.id_, wanted);
  }

  /// The poller goes on with what the channel wanted before, and would report it for ever: it hears
  /// of the channel again when that wants something else.
  ASYNCORE_COLD void refuse(Core& core, record& r, std::error_code failed) {
    if (r.polled_) core.poller().remove(r.id_);
    r.polled_ = false;
    core.errors().report(core, r, failed, Core::poller_type::name);
  }

  /// Of the loops that share a listener the kernel may have woken this one alone.
  ASYNCORE_COLD void check_declined(Core& core, const record& r, interest wanted) noexcept {
    if (any(r.armed_, interest::read) && !any(wanted, interest::read)) core.decline();
  }

  /// A channel that stops reading often reads again before anything arrives: the poller is told only
  /// when something has. Channels without predicates are not asked what they want of a report, so
  /// that none can be ignored.
  bool defer_pause(record& r, interest wanted) noexcept {
    if constexpr (requires { Core::poller_type::changes_cost; }) {
      if (!defers_pauses() || r.exclusive_) return false;
      const bool pauses = r.polled_ && r.armed_ == (wanted | interest::read);
      const bool resumes = r.paused_ && wanted == (r.armed_ | interest::read);
      if ((!pauses && !resumes) ||
          Channels::template perform<op::mode>(r) == predicate_mode::constant)
        return false;
      r.paused_ = pauses;
      r.armed_ = wanted;
      return true;
    } else {
      return false;
    }
  }

  /// Aborts when an answer changed without `rearm`: the poller would never have heard of it.
  void check_rearmed(Core& core) {
    if (!Channels::template any_asked<predicate_mode::on_rearm>()) return;
    std::vector<token> quiet;  // a predicate may change the map
    core.registry().map().for_each([&](record& r) {
      if (r.unlinked() && !r.hung_up_) quiet.push_back(r.id());
    });
    for (const token id : quiet) {
      record* const r = core.registry().at(id);
      if (r == nullptr || !r->unlinked()) continue;
      if (Channels::template perform<op::mode>(*r) != predicate_mode::on_rearm) continue;
      const interest armed = r->armed_;
      interest answer = armed;  // what the predicate throws here it will throw when it counts
      guarded([&] { answer = Channels::template perform<op::ask>(*r); }, [] {});
      if (answer == armed || core.registry().at(id) != r) continue;
      log(joined({"asyncore: readable() or writable() of ", Channels::template perform<op::name>(*r),
                  " changed its answer without rearm()"}));
      std::abort();
    }
  }

  list_node every_turn_;  // asked before each wait
  list_node asking_;      // of those, the ones still to be asked in this turn
  list_node changed_;     // visited before the next wait
  int reports_ignored_ = 0;
  bool ask_again_ = false;
};

}  // namespace asyncore::detail

#endif

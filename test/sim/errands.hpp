// SPDX-License-Identifier: BSL-1.0
/// What a program has its loop do besides its channels, and what is expected of that.
#pragma once

#include "alarms.hpp"
#include "posts.hpp"


#include <optional>

namespace test::sim {

/// Timers, posts, stops and the drain of one loop.
template <class Loop>
class errands {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  /// Loops look after posts in programs that post: where `posts` is false, they do not.
  errands(stage& s, bool posting) : stage_(s), timers_(s), posts_(s), posting_(posting) {
    if (s.with.drains) drain_at_ = s.kernel.now() + some_time(50'000);
  }

  void start(Loop& loop) { loop_ = &loop; }

  /// In a hook, or between two turns.
  void cue() {
    if (ending_) return;
    const features& with = stage_.with;
    switch (stage_.random.below(48)) {
      case 0:
      case 1:
        if (with.timers) timers_.add(*loop_);
        return;
      case 2:
        if (with.timers) timers_.cancel();
        return;
      case 3:
      case 4:
      case 5:
        return post();
      case 6:
        if (with.stops) stop();
        return;
      default:
        if (stage_.kernel.now() >= drain_at_) drain();
    }
  }

  void stop() {
    stage_.kernel.trace().remark("stop");
    if (!stopped_) stopped_ = {stage_.kernel.now(), stage_.waits()};
    loop_->stop();
  }

  /// `run` has something to do without channels.
  bool waiting() const { return timers_.waiting() || posts_.waiting(); }
  /// A wait that nothing else ends lasts until then, or longer than it was to.
  nanoseconds next() const { return posts_.waiting() ? nanoseconds(0) : timers_.next(); }
  bool stopped() const { return stopped_.has_value(); }
  bool draining() const { return drain_end_.has_value(); }

  /// `run` or `poll` is about to be called.
  void before_run() {
    waits_before_ = stage_.waits();
    stopped_before_ = stopped_.has_value();
  }
  /// `run` or `poll` has returned.
  void has_run() {
    if (stopped_ && !stopped_before_) check_stop();
    if (drain_end_) check_drain(stage_.waits() != waits_before_);
  }
  /// `run` has returned: it has done what a stop asked for.
  void has_stopped() {
    if (stopped_before_ && stage_.waits() != waits_before_)
      object("the loop runs although it was stopped before");
    stopped_.reset();
  }
  /// An exception has left it.
  void interrupted() { timers_.interrupted(); }

  /// Nothing new from now on, and nothing that never ends.
  void wind_up() {
    ending_ = true;
    timers_.cancel_endless();
  }
  /// The loop is about to end.
  void leave() {
    ending_ = true;
    posts_.end();
    post();
  }
  void expect_all_destroyed() const {
    timers_.expect_all_destroyed();
    posts_.expect_all_destroyed();
  }

 private:
  struct moment {
    nanoseconds at;
    std::uint64_t waits;
  };

  nanoseconds some_time(std::uint64_t most) {
    return std::chrono::microseconds(stage_.random.below(most));
  }
  void post() {
    if (stage_.with.posts && posting_) posts_.add(*loop_);
  }

  /// With little time for it, or with as much as anybody may need.
  void drain() {
    const bool gentle = stage_.random.chance(32768);
    const nanoseconds within = gentle ? std::chrono::minutes(10) : some_time(30'000);
    stage_.kernel.trace().remark(gentle ? "drain" : "drain soon");
    stage_.drains(gentle);
    drain_at_ = stage_.random.chance(16384) ? stage_.kernel.now() + some_time(30'000)
                                            : asyncore::never;
    loop_->drain(within);
    drain_end_ = stage_.kernel.now() + within;
    gentle_ = gentle;
  }

  /// No wait but that of the turn under way, which does not last.
  void check_stop() {
    if (stage_.waits() > stopped_->waits + 1) object("the loop goes on although it was stopped");
    if (stage_.kernel.now() != stopped_->at) object("the loop waits although it was stopped");
  }
  void check_drain(bool turned) {
    const nanoseconds now = stage_.kernel.now();
    if (loop_->empty()) {
      if (gentle_ && now >= *drain_end_) object("the loop drains, and somebody does not finish");
      drain_end_.reset();
    } else if (turned && now > *drain_end_ + stage::rounding) {
      object("the loop drains for longer than it may");
    }
  }
  void object(const std::string& what) { stage_.kernel.object(what); }

  stage& stage_;
  alarms<Loop> timers_;
  posts<Loop> posts_;
  Loop* loop_ = nullptr;
  bool posting_;
  bool ending_ = false;
  std::uint64_t waits_before_ = 0;  // when `run` was called
  bool stopped_before_ = false;
  std::optional<moment> stopped_;
  nanoseconds drain_at_ = asyncore::never;
  std::optional<nanoseconds> drain_end_;
  bool gentle_ = false;
};

}  // namespace test::sim

// SPDX-License-Identifier: BSL-1.0
/// Functions posted to a loop, and what is expected of them.
#pragma once

#include "counted.hpp"
#include "stage.hpp"

namespace test::sim {

/// They are called in their order, once each, while no time passes; one that is posted by another
/// in a later turn.
template <class Loop>
class posts {
 public:
  explicit posts(stage& s) : stage_(s) {}

  void add(Loop& loop) {
    loop.post(function{counted<posts>(*this), made_, stage_.kernel.now(),
                       in_one_ ? stage_.waits() : 0});
    ++made_;
  }
  bool waiting() const { return called_ != made_; }
  /// What is called from now on is not: the loop ends.
  void end() { ended_ = true; }
  /// The loop has ended.
  void expect_all_destroyed() const {
    if (alive != 0) object("lasts longer than its loop");
  }

  int alive = 0;  // function objects

 private:
  struct function : counted<posts> {
    std::uint64_t number;
    std::chrono::nanoseconds at;
    std::uint64_t after_wait;
    void operator()() { this->all.called(*this); }
  };

  void called(const function& f) {
    stage_.kernel.trace().add(f.number);
    stage_.kernel.trace().remark("a posted function");
    if (ended_) object("is called at its loop's end");
    if (f.number != called_) object("is not called in its turn");
    if (stage_.kernel.now() != f.at) object("is called late");
    if (stage_.waits() <= f.after_wait) object("is called in the turn in which one posted it");
    called_ = f.number + 1;
    const in_one_scope scope(in_one_);
    stage_.intermission();
  }
  void object(const std::string& what) const { stage_.kernel.object("a posted function " + what); }

  struct in_one_scope {
    explicit in_one_scope(bool& flag) noexcept : in_one(flag) { in_one = true; }
    in_one_scope(const in_one_scope&) = delete;
    in_one_scope& operator=(const in_one_scope&) = delete;
    ~in_one_scope() { in_one = false; }
    bool& in_one;
  };

  stage& stage_;
  std::uint64_t made_ = 0, called_ = 0;
  bool in_one_ = false;
  bool ended_ = false;
};

}  // namespace test::sim

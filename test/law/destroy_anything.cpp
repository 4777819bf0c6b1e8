// SPDX-License-Identifier: BSL-1.0
// Law 2: any hook may close or destroy its own channel or any other, add channels, or stop the
// loop. Here: every hook, every such deed, for channels that the loop owns and that the user owns.
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include "../support/actors.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

namespace {

using test::hook;

enum class deed {
  close_self,
  destroy_self,
  close_others,
  destroy_others,
  close_all,
  emplace,
  stop,
  throw_error,
  throw_exit
};

struct place_to_act {
  hook where;
  std::string_view name;
  int passes = 0;  // predicates are asked before the wait, for a hook, and after it
};
constexpr place_to_act places_to_act[] = {
    {hook::read, "read"},
    {hook::write, "write"},
    {hook::expt, "expt"},
    {hook::close, "close"},
    {hook::connect, "connect"},
    {hook::accepted, "accepted"},
    {hook::refused, "refused"},
    {hook::thrown, "thrown"},
    {hook::readable, "readable"},
    {hook::readable, "readable, for a hook", 1},
    {hook::readable, "readable, after a hook", 2},
    {hook::writable, "writable"},
    {hook::writable, "writable, for a hook", 1},
    {hook::writable, "writable, after a hook", 2}};
constexpr std::pair<deed, std::string_view> deeds[] = {
    {deed::close_self, "close self"},         {deed::destroy_self, "destroy self"},
    {deed::close_others, "close others"},     {deed::destroy_others, "destroy others"},
    {deed::close_all, "close all"},           {deed::emplace, "emplace"},
    {deed::stop, "stop"},                     {deed::throw_error, "throw"},
    {deed::throw_exit, "throw exit_now"}};

// The descriptors of a scene.
struct set {
  test::ends star;
  test::ends others[2] = {test::socket_pair(), test::socket_pair()};
  test::ends newcomer = test::socket_pair();
  test::ends bystander = test::socket_pair();
  test::unique_fd listener;
};

// One star on the stage, between two others that are ready in the same turn.
template <class Place, template <class> class Actor>
class scene {
 public:
  using loop_type = test::actor_loop<Place>;
  using actor = Actor<Place>;

  scene(const place_to_act& in, deed what, bool owned) : where_(in.where), what_(what) {
    stage_.where = in.where;
    stage_.passes = in.passes;
    stage_.act = [this] { act(); };
    enter(bystander_, set_.bystander.near);
    enter(others_[0], set_.others[0].near);
    if (owned) {
      star_ = &loop_.template emplace<actor>(stage_);
    } else {
      users_star_ = std::make_unique<actor>(loop_, stage_);
      star_ = users_star_.get();
    }
    stage_.star = star_;
    set_up_star();
    enter(others_[1], set_.others[1].near);
    for (test::ends& pair : set_.others) test::put(pair.far, "x");
  }

  // Turns until the star has acted; returns true if what it threw came out.
  bool play() {
#if ASYNCORE_HAS_EXCEPTIONS
    try {
      play_on();
    } catch (const asyncore::exit_now&) {
      return what_ == deed::throw_exit;
    } catch (const std::logic_error&) {
      return what_ == deed::throw_error;
    }
#else
    play_on();
#endif
    return false;
  }

  void check() {
    BOOST_CHECK(stage_.act == nullptr);
    const bool left = what_ == deed::close_self || what_ == deed::destroy_self ||
                      what_ == deed::close_all;
    if (left) {
      BOOST_CHECK(users_star_ == nullptr || users_star_->native_handle() < 0);
      if (set_.star.far) BOOST_CHECK(test::at_end(set_.star.far));
    }
    if (what_ == deed::close_others || what_ == deed::destroy_others || what_ == deed::close_all)
      for (test::ends& pair : set_.others) BOOST_CHECK(test::at_end(pair.far));
    if (what_ == deed::close_all) {
      BOOST_CHECK(loop_.empty());
    } else {
      BOOST_CHECK(echoes(set_.bystander.far));  // nothing else is disturbed
    }
    if (what_ == deed::emplace) BOOST_CHECK(echoes(set_.newcomer.far));
  }

  int alive() const { return stage_.alive; }

 private:
  void enter(std::unique_ptr<actor>& one, test::unique_fd& near) {
    one = std::make_unique<actor>(loop_, stage_);
    one->set_socket(asyncore::socket(std::move(near)));
  }

  // Prepares what makes the loop call the hook.
  void set_up_star() {
    if (where_ == hook::connect || where_ == hook::refused) {
      set_.listener = test::tcp_listener(where_ == hook::connect ? 1 : -1);
      star_->create_socket();
      star_->connect(test::name_of(set_.listener.get()));
    } else if (where_ == hook::accepted) {
      star_->create_socket();
      star_->bind(asyncore::endpoint::parse("127.0.0.1:0"));
      star_->listen();
      set_.star.far = test::connected_to(star_->local_addr());
    } else {
      set_.star = where_ == hook::expt ? test::tcp_pair() : test::socket_pair();
      star_->set_socket(asyncore::socket(std::move(set_.star.near)));
      star_->wants_write = where_ == hook::write || where_ == hook::writable;
      if (where_ == hook::read || where_ == hook::readable || where_ == hook::thrown)
        test::put(set_.star.far, "x");
      if (where_ == hook::expt)
        test::put_urgent(set_.star.far);
      if (where_ == hook::close) set_.star.far.reset();
    }
  }

  void act() {
    switch (what_) {
      case deed::close_self: return star_->close();
      case deed::destroy_self: return users_star_.reset();
      case deed::close_others:
        for (auto& other : others_) other->close();
        return;
      case deed::destroy_others:
        for (auto& other : others_) other.reset();
        return;
      case deed::close_all: return loop_.close_all();
      case deed::emplace:
        loop_.template emplace<actor>(stage_).set_socket(
            asyncore::socket(std::move(set_.newcomer.near)));
        return;
      case deed::stop: return loop_.stop();
#if ASYNCORE_HAS_EXCEPTIONS
      case deed::throw_error: throw std::logic_error("thrown on stage");
      case deed::throw_exit: throw asyncore::exit_now();
#else
      default: return;
#endif
    }
  }

  void play_on() {
    if (what_ == deed::stop) {
      const auto start = test::sys().now();
      loop_.run();  // which ends only because of it: there are channels
      BOOST_CHECK(!loop_.empty());
      BOOST_CHECK(test::sys().now() - start < std::chrono::seconds(10));
    } else {
      test::turn_until(loop_, [&] { return stage_.act == nullptr; });
    }
  }

  // True when the channel at the other end still works.
  bool echoes(const test::unique_fd& far) {
    test::take(far);  // what it has sent before
    return test::echoes(loop_, far);
  }

  hook where_;
  deed what_;
  set set_;
  test::stage stage_;
  loop_type loop_;
  std::unique_ptr<actor> bystander_, others_[2], users_star_;
  actor* star_ = nullptr;
};

template <class Place, template <class> class Actor>
void every_hook_and_deed(bool asks) {
  for (const place_to_act& in : places_to_act)
    for (const auto& [what, deed_name] : deeds)
      for (const bool owned : {false, true}) {
        const bool throws = what == deed::throw_error || what == deed::throw_exit;
        const hook where = in.where;
        if (!ASYNCORE_HAS_EXCEPTIONS && (throws || where == hook::thrown)) continue;
        if (!asks && (where == hook::readable || where == hook::writable)) continue;
        if (owned && what == deed::destroy_self) continue;  // it is the loop's
        BOOST_TEST_CONTEXT(deed_name << " in " << in.name << (owned ? ", owned" : "")) {
          scene<Place, Actor> played(in, what, owned);
          const bool came_out = played.play();
          const bool in_error = where == hook::refused || where == hook::thrown;
          BOOST_CHECK_EQUAL(came_out, what == deed::throw_exit ||
                                          (what == deed::throw_error && in_error));
          const bool star_left = what == deed::close_self && owned;
          if (star_left) BOOST_CHECK_EQUAL(played.alive(), 3);  // at the end of the turn
          played.check();
        }
      }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(destroy_anything, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(with_predicates_each_turn, Place, test::matrix) {
  every_hook_and_deed<Place, test::asked_actor>(true);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(with_predicates_on_rearm, Place, test::matrix) {
  every_hook_and_deed<Place, test::rearmed_actor>(true);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_predicates, Place, test::matrix) {
  every_hook_and_deed<Place, test::plain_actor>(false);
}

BOOST_AUTO_TEST_SUITE_END()

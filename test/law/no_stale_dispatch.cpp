// SPDX-License-Identifier: BSL-1.0
// Law 1: an event for an fd that was closed, or closed and reused, earlier in the same turn reaches
// nobody.
#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/scripted_poller.hpp"
#include "../support/turns.hpp"

namespace {

using test::ends;

// Counts its hooks, and does what the test says in the first. Reads nothing by itself: an event
// that reaches it counts, whether there is anything to read or not.
template <class Place>
struct station;
template <class Place>
using loop_of = typename Place::template loop<station<Place>>;

template <class Place>
struct station : asyncore::dispatcher<station<Place>, loop_of<Place>> {
  using action = std::function<void(station&)>;

  station(loop_of<Place>& loop, test::unique_fd fd, action first = nullptr)
      : asyncore::dispatcher<station, loop_of<Place>>(loop, asyncore::socket(std::move(fd))),
        on_event(std::move(first)) {}

  void handle_read() {
    ++reads;
    act();
  }
  void handle_write() {
    ++writes;
    act();
  }
  bool writable() const { return wants_write; }

  action on_event;
  bool wants_write = false;
  int reads = 0;
  int writes = 0;

 private:
  void act() {
    if (const action copy = on_event) copy(*this);  // it may replace itself, or destroy us
  }
};

// Two channels of which both are ready; whichever is first gets `act(first, other)`.
template <class Place>
struct duel {
  using channel = station<Place>;
  using action = std::function<void(channel&, channel&)>;

  explicit duel(action act) {
    for (std::size_t i : {0u, 1u}) {
      pairs[i] = test::socket_pair();
      test::put(pairs[i].far, "x");
    }
    for (std::size_t i : {0u, 1u})
      both[i] = std::make_unique<channel>(loop, std::move(pairs[i].near), [this, i, act](channel& c) {
        ++handled;
        act(c, *both[1 - i]);
      });
  }

  loop_of<Place> loop;
  ends pairs[2];
  ends spare = test::socket_pair();  // its near end takes over a number
  std::unique_ptr<channel> both[2];
  int handled = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(no_stale_dispatch, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(the_first_closes_the_second, Place, test::matrix) {
  duel<Place> d([](auto&, auto& other) { other.close(); });
  test::turn(d.loop, 3);
  BOOST_CHECK_EQUAL(d.both[0]->reads + d.both[1]->reads, 3);  // one of them, each turn
  BOOST_CHECK(d.both[0]->reads == 0 || d.both[1]->reads == 0);
  BOOST_CHECK_EQUAL(d.loop.size(), 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_first_destroys_the_second, Place, test::matrix) {
  duel<Place>* duel_in_hook = nullptr;
  duel<Place> d([&](auto&, auto& other) {
    for (auto& one : duel_in_hook->both)
      if (one.get() == &other) one.reset();
  });
  duel_in_hook = &d;
  test::turn(d.loop);
  BOOST_CHECK_EQUAL(d.handled, 1);
  BOOST_CHECK((d.both[0] == nullptr) != (d.both[1] == nullptr));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_new_channel_takes_the_number, Place, test::matrix) {
  for (const bool ready_too : {false, true}) {
    duel<Place>* in_hook = nullptr;
    station<Place>* fresh = nullptr;
    int number = -1;
    duel<Place> d([&](auto& first, auto& other) {
      first.on_event = nullptr;
      number = other.native_handle();
      other.close();
      fresh = &first.loop().template emplace<station<Place>>(
          test::moved_to(number, std::move(in_hook->spare.near)));
    });
    in_hook = &d;
    if (ready_too) test::put(d.spare.far, "y");
    test::turn(d.loop);
    BOOST_REQUIRE(fresh != nullptr);
    BOOST_CHECK_EQUAL(fresh->native_handle(), number);  // the number really is in use again
    BOOST_CHECK_EQUAL(d.handled, 1);
    BOOST_CHECK_EQUAL(fresh->reads, 0);
    test::turn(d.loop);
    BOOST_CHECK_EQUAL(fresh->reads, ready_too ? 1 : 0);  // and its own events arrive
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_same_channel_takes_the_number, Place, test::matrix) {
  duel<Place>* in_hook = nullptr;
  station<Place>* renewed = nullptr;
  duel<Place> d([&](auto& first, auto& other) {
    first.on_event = nullptr;
    const int number = other.native_handle();
    other.close();
    other.set_socket(asyncore::socket(test::moved_to(number, std::move(in_hook->spare.near))));
    BOOST_CHECK_EQUAL(other.native_handle(), number);
    renewed = &other;
  });
  in_hook = &d;
  test::turn(d.loop, 2);
  BOOST_REQUIRE(renewed != nullptr);
  BOOST_CHECK_EQUAL(renewed->reads, 0);
  renewed->on_event = nullptr;
  test::put(d.spare.far, "y");
  test::turn(d.loop);
  BOOST_CHECK_EQUAL(renewed->reads, 1);
}

// Leaving the map and entering again is a new registration, and the level-triggered readiness of
// the old one is reported anew in the next turn.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_second_is_registered_anew, Place, test::matrix) {
  station<Place>* again = nullptr;
  duel<Place> d([&](auto& first, auto& other) {
    first.on_event = other.on_event = nullptr;
    other.del_channel();
    other.add_channel();
    again = &other;
  });
  test::turn(d.loop);
  BOOST_REQUIRE(again != nullptr);
  BOOST_CHECK_EQUAL(again->reads, 0);
  test::turn(d.loop);
  BOOST_CHECK_EQUAL(again->reads, 1);
}

// The bits of one report: the read closes the channel, and what takes over its number is not
// written to.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_later_bit_of_the_same_report, Place, test::matrix) {
  loop_of<Place> loop;
  ends old = test::socket_pair();
  ends spare = test::socket_pair();
  test::put(old.far, "x");
  station<Place>* fresh = nullptr;
  station<Place> closing(loop, std::move(old.near), [&](station<Place>& self) {
    BOOST_CHECK_EQUAL(self.reads, 1);
    const int number = self.native_handle();
    self.close();
    fresh = &loop.template emplace<station<Place>>(test::moved_to(number, std::move(spare.near)));
    fresh->wants_write = true;
    BOOST_CHECK_EQUAL(fresh->native_handle(), number);
  });
  closing.wants_write = true;
  test::turn(loop);
  BOOST_REQUIRE(fresh != nullptr);
  BOOST_CHECK_EQUAL(closing.writes, 0);
  BOOST_CHECK_EQUAL(fresh->writes, 0);
  test::turn(loop);
  BOOST_CHECK_EQUAL(fresh->writes, 1);
}

// Twelve are ready; the first one handled closes the rest and gives all their numbers away.
BOOST_AUTO_TEST_CASE_TEMPLATE(many_numbers_change_hands, Place, test::matrix) {
  constexpr std::size_t count = 12;
  loop_of<Place> loop;
  std::vector<ends> pairs, spares;
  std::vector<std::unique_ptr<station<Place>>> ready;
  std::vector<station<Place>*> fresh;
  int handled = 0;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(test::socket_pair());
    spares.push_back(test::socket_pair());
    test::put(pairs[i].far, "x");
    test::put(spares[i].far, "y");
  }
  for (std::size_t i = 0; i < count; ++i)
    ready.push_back(std::make_unique<station<Place>>(
        loop, std::move(pairs[i].near), [&](station<Place>& first) {
          ++handled;
          for (std::size_t k = 0; k < count; ++k) {
            const int number = ready[k]->native_handle();
            if (ready[k].get() == &first) continue;
            if (k % 2 == 0) {
              ready[k]->close();
            } else {
              ready[k].reset();
            }
            fresh.push_back(&loop.template emplace<station<Place>>(
                test::moved_to(number, std::move(spares[k].near))));
            BOOST_CHECK_EQUAL(fresh.back()->native_handle(), number);
          }
          first.close();
        }));
  test::turn(loop);
  BOOST_CHECK_EQUAL(handled, 1);
  BOOST_CHECK_EQUAL(fresh.size(), count - 1);
  for (auto* one : fresh) BOOST_CHECK_EQUAL(one->reads, 0);
  test::turn(loop);
  for (auto* one : fresh) BOOST_CHECK_EQUAL(one->reads, 1);
}

#if !defined(TEST_SIMULATED)
// A poller that reports what it was told to forget, at once and long after.
BOOST_AUTO_TEST_CASE_TEMPLATE(whatever_the_poller_reports, Place, test::scripted_matrix) {
  using asyncore::readiness;
  test::poller_script script;
  loop_of<Place> loop(script);
  ends pair = test::socket_pair();
  std::optional<station<Place>> one(std::in_place, loop, std::move(pair.near));
  one->wants_write = true;
  test::turn(loop);
  const asyncore::token old = one->id();
  const readiness all = readiness::read | readiness::write | readiness::expt | readiness::error |
                        readiness::hangup;
  one->del_channel();
  script.reports = {{old, readiness::read}, {old, all}};
  test::turn(loop);
  one->add_channel();
  BOOST_CHECK(one->id() != old);
  script.reports = {{old, readiness::read}, {old, all}};
  test::turn(loop);
  BOOST_CHECK_EQUAL(one->reads + one->writes, 0);
  script.reports = {{one->id(), readiness::read | readiness::write}};
  test::turn(loop);
  BOOST_CHECK_EQUAL(one->reads, 1);
  BOOST_CHECK_EQUAL(one->writes, 1);
  script.reports = {{one->id(), all}};
  one.reset();
  test::turn(loop);
}
#endif

BOOST_AUTO_TEST_SUITE_END()

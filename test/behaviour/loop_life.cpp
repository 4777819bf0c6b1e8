// SPDX-License-Identifier: BSL-1.0
// The end of a loop, and where it may not run.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <system_error>

namespace {

using namespace std::chrono_literals;

template <class Place>
struct reborn;
template <class Place>
struct asker;
template <class Place>
using loop_of = typename Place::template loop<reborn<Place>, asker<Place>>;

/// Counts objects.
struct counted {
  explicit counted(int& counter) : count(counter) { ++count; }
  counted(const counted& other) : count(other.count) { ++count; }
  counted& operator=(const counted&) = delete;
  ~counted() { --count; }
  int& count;
};

/// A client that connects again in its destructor.
template <class Place>
struct reborn : asyncore::dispatcher<reborn<Place>, loop_of<Place>> {
  reborn(loop_of<Place>& loop, int& alive, int times)
      : reborn::dispatcher(loop), number(alive), left(times) {
    this->create_socket(AF_INET, SOCK_DGRAM);
  }
  ~reborn() {
    if (left > 0) this->loop().template emplace<reborn>(number.count, left - 1);
  }
  void handle_data(std::span<const std::byte>) {}
  counted number;
  int left;
};

/// How often an asker asked and was refused, where it outlives the asker.
struct answers {
  int asked = 0, refused = 0;
};

/// Polls its loop in each hook, which is refused.
template <class Place>
struct asker : asyncore::dispatcher_with_send<asker<Place>, loop_of<Place>> {
  asker(loop_of<Place>& loop, asyncore::socket peer, answers& got)
      : asker::dispatcher_with_send(loop, std::move(peer)), of_loop(got) {}
  static constexpr std::size_t high_watermark = 1000, low_watermark = 10;
  void handle_data(std::span<const std::byte>) { ask(); }
  void handle_high_water() { ask(); }
  void handle_drain() { ask(), this->close(); }
  void handle_close() { ask(), this->close(); }
  void ask() {
    ++of_loop.asked;
    try {
      this->loop().poll(0ns);
    } catch (const std::system_error& e) {
      of_loop.refused += e.code() == std::errc::operation_not_permitted;
    }
  }
  answers& of_loop;
};

BOOST_FIXTURE_TEST_SUITE(loop_life, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(destructors_may_emplace_at_its_end, Place, test::matrix) {
  int alive = 0;
  {
    loop_of<Place> loop;
    loop.template emplace<reborn<Place>>(alive, 5);
    loop.template emplace<reborn<Place>>(alive, 2);
  }
  BOOST_TEST(alive == 0);
}

/// Posts the next one when it ends.
template <class Loop>
struct chain {
  chain(Loop& l, int& alive, int times) : number(alive), loop(&l), left(times) {}
  chain(chain&& other) noexcept
      : number(other.number), loop(std::exchange(other.loop, nullptr)), left(other.left) {}
  ~chain() {
    if (loop != nullptr && left > 0) loop->post(chain(*loop, number.count, left - 1));
  }
  void operator()() {}
  counted number;
  Loop* loop;
  int left;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(destructors_may_post_at_its_end, Place, test::matrix) {
  int alive = 0;
  {
    loop_of<Place> loop;
    loop.post(chain<loop_of<Place>>(loop, alive, 5));
  }
  BOOST_TEST(alive == 0);
}

// Whoever drains with no time at all, or less.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_drain_without_time_ends, Place, test::matrix) {
  for (const std::chrono::nanoseconds within :
       {std::chrono::nanoseconds::min(), std::chrono::nanoseconds(-1), 0ns,
        std::chrono::nanoseconds(-1h)}) {
    answers answered;
    loop_of<Place> loop;
    test::ends pair = test::socket_pair();
    auto& channel =
        loop.template emplace<asker<Place>>(asyncore::socket(std::move(pair.near)), answered);
    channel.send("x");
    loop.call_later(10s, [&] { loop.stop(); });  // should it hang
    const auto start = loop.now();
    loop.drain(within);
    loop.run();
    BOOST_TEST(loop.empty());
    BOOST_CHECK(loop.now() - start < 5s);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_is_not_polled_in_hooks_outside_of_a_turn, Place, test::matrix) {
  answers of_c, of_d;
  loop_of<Place> loop;
  test::ends one = test::socket_pair(), other = test::socket_pair();
  auto& c = loop.template emplace<asker<Place>>(asyncore::socket(std::move(one.near)), of_c);
  auto& d = loop.template emplace<asker<Place>>(asyncore::socket(std::move(other.near)), of_d);
  loop.poll(0ns);
  test::put(one.far, "x");
  loop.readwrite(c, asyncore::readiness::read);
  BOOST_TEST(of_c.asked == 1);
  c.send(std::string(10 << 20, 'x'));
  BOOST_TEST(of_c.asked == 2);
  other.far.reset();
  d.send("x");
  BOOST_TEST(of_d.asked == 1);
  BOOST_TEST(of_d.refused == 1);
  loop.drain(1s);
  BOOST_TEST(of_c.asked == 3);
  BOOST_TEST(of_c.refused == 3);
  loop.poll(0ns);  // but afterwards
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

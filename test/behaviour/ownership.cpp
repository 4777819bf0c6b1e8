// SPDX-License-Identifier: BSL-1.0
// Who destroys a channel and when; what becomes of descriptors.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/open_descriptors.hpp"
#include "../support/outcome.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

namespace {

using test::outcome;

template <class Place>
struct stream;
template <class Place>
using loop_of = typename Place::template loop<stream<Place>>;

/// A socket that tells when it is destroyed.
template <class Place>
struct stream : asyncore::dispatcher_with_send<stream<Place>, loop_of<Place>> {
  using base = asyncore::dispatcher_with_send<stream<Place>, loop_of<Place>>;
  using action = std::function<void(stream&)>;

  stream(loop_of<Place>& loop, outcome& result) : base(loop), got(result) {}
  stream(loop_of<Place>& loop, test::unique_fd fd, outcome& result, action data = {},
         action constructed = {})
      : base(loop, asyncore::socket(std::move(fd))), got(result), on_data(std::move(data)) {
    if (constructed) constructed(*this);
  }
  ~stream() {
    if (on_destroy) on_destroy(*this);
    ++got.destroyed;
  }

  void handle_data(std::span<const std::byte> data) {
    got.received += asyncore::as_text(data);
    if (on_data) on_data(*this);
  }
  void handle_close() {
    ++got.closes;
    this->close();
  }

  outcome& got;
  action on_data, on_destroy;
};

struct ready_pair : test::ends {
  ready_pair() : ends(test::socket_pair()) { test::put(far, "x"); }
};

/// Checks that a test has closed what it opened.
struct no_leak : test::world {
  ~no_leak() { BOOST_TEST(test::open_descriptors() == before, boost::test_tools::per_element()); }
  const std::vector<int> before = test::open_descriptors();
};

BOOST_FIXTURE_TEST_SUITE(ownership, no_leak)

BOOST_AUTO_TEST_CASE_TEMPLATE(an_owned_channel_lives_to_the_end_of_its_turn, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pair first, second;
  int seen = -1;
  const auto close = [&](auto& self) {
    self.close();
    self.close();
    seen = got.destroyed;
  };
  loop.template emplace<stream<Place>>(std::move(first.near), got, close);
  loop.template emplace<stream<Place>>(std::move(second.near), got, close);
  loop.poll();
  BOOST_TEST(seen == 0);  // in the second hook the first was still there
  BOOST_TEST(got.destroyed == 2);
  BOOST_TEST(loop.empty());
  BOOST_TEST(test::at_end(first.far));
  BOOST_TEST(test::at_end(second.far));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(closed_outside_of_a_turn_it_goes_with_the_next, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pair pair;
  auto& channel = loop.template emplace<stream<Place>>(std::move(pair.near), got);
  channel.close();
  BOOST_TEST(got.destroyed == 0);
  BOOST_TEST(test::at_end(pair.far));  // its socket is closed at once
  BOOST_TEST(channel.native_handle() == -1);
  loop.poll();
  BOOST_TEST(got.destroyed == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_users_channel_is_never_destroyed_by_the_loop, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got, other;
  ready_pair pair, owned;
  stream<Place> local(loop, std::move(pair.near), got, [](auto& self) { self.close(); });
  loop.template emplace<stream<Place>>(std::move(owned.near), other,
                                       [](auto& self) { self.close(); });
  loop.run();
  BOOST_TEST(got.received == "x");
  BOOST_TEST(got.destroyed == 0);
  BOOST_TEST(other.destroyed == 1);
  BOOST_TEST(local.native_handle() == -1);
  ready_pair again;
  local.set_socket(asyncore::socket(std::move(again.near)));  // it can be used again
  loop.run();
  BOOST_TEST(got.received == "xx");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_member_leaves_with_its_object, Place, test::matrix) {
  struct client {
    client(loop_of<Place>& loop, test::unique_fd fd, outcome& got)
        : channel(loop, std::move(fd), got) {}
    stream<Place> channel;
  };
  loop_of<Place> loop;
  outcome got;
  ready_pair pair;
  {
    const client object(loop, std::move(pair.near), got);
    BOOST_TEST(loop.size() == 1u);
    loop.poll();
  }
  BOOST_TEST(loop.empty());
  BOOST_TEST(got.received == "x");
  BOOST_TEST(test::at_end(pair.far));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_hook_may_destroy_its_own_channel, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pair first, second;
  std::optional<stream<Place>> one, two;
  one.emplace(loop, std::move(first.near), got, [&](auto& self) {
    self.send("never sent: it is gone before the hook returns");
    one.reset();
  });
  two.emplace(loop, std::move(second.near), got);
  test::turn(loop, 2);
  BOOST_TEST(got.destroyed == 1);
  BOOST_TEST(got.received == "xx");
  BOOST_TEST(loop.size() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_closes_what_is_left_in_it, Place, test::matrix) {
  outcome owned, local;
  std::deque<ready_pair> pairs(6);
  std::deque<stream<Place>> locals;
  {
    loop_of<Place> loop;
    for (std::size_t i = 0; i < 3; ++i)
      loop.template emplace<stream<Place>>(std::move(pairs[i].near), owned);
    for (std::size_t i = 3; i < 6; ++i) locals.emplace_back(loop, std::move(pairs[i].near), local);
    loop.template emplace<stream<Place>>(owned);  // without a socket
    locals.emplace_back(loop, local);
    loop.poll();  // all are watched
    locals[0].send("said before the end");
    loop.template emplace<stream<Place>>(owned).create_socket();
  }
  BOOST_TEST(owned.destroyed == 5);
  BOOST_TEST(local.destroyed == 0);
  for (auto& channel : locals) {
    BOOST_TEST(channel.native_handle() == -1);
    BOOST_TEST(!channel.registered());
    channel.close();  // of a channel that outlives its loop this is all nothing
    channel.rearm();
    BOOST_TEST(channel.send("x").closed());
  }
  BOOST_TEST(test::take(pairs[3].far) == "said before the end");
  for (auto& pair : pairs) BOOST_TEST(test::at_end(pair.far));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_that_never_turned_owns_too, Place, test::matrix) {
  outcome got;
  ready_pair first, second;
  {
    loop_of<Place> loop;
    loop.template emplace<stream<Place>>(std::move(first.near), got);
    loop.template emplace<stream<Place>>(std::move(second.near), got).close();
  }
  BOOST_TEST(got.destroyed == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_constructor_may_close, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pair pair, user;
  const typename stream<Place>::action nothing, close = [](auto& self) { self.close(); };
  auto& channel = loop.template emplace<stream<Place>>(std::move(pair.near), got, nothing, close);
  BOOST_TEST(got.destroyed == 0);  // what emplace returned is there
  BOOST_TEST(channel.native_handle() == -1);
  BOOST_TEST(loop.empty());
  loop.run();
  BOOST_TEST(got.destroyed == 1);

  loop.template emplace<stream<Place>>(std::move(user.near), got, [&](auto& self) {
    ready_pair inner;  // the same in a turn
    auto& made =
        self.loop().template emplace<stream<Place>>(std::move(inner.near), got, nothing, close);
    BOOST_TEST(made.native_handle() == -1);
    BOOST_TEST(got.destroyed == 1);
    self.close();
  });
  loop.run();
  BOOST_TEST(got.destroyed == 3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_constructor_may_throw, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pair pair;
  const auto fails = [](auto&) { throw std::runtime_error("not today"); };
  BOOST_CHECK_THROW(loop.template emplace<stream<Place>>(std::move(pair.near), got,
                                                         typename stream<Place>::action(), fails),
                    std::runtime_error);
  BOOST_TEST(loop.empty());
  BOOST_TEST(test::at_end(pair.far));
  loop.run();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_never_registers_goes_with_the_loop, Place, test::matrix) {
  outcome got;
  {
    loop_of<Place> loop;
    auto& channel = loop.template emplace<stream<Place>>(got);
    loop.run();
    BOOST_TEST(got.destroyed == 0);
    channel.create_socket();  // later it may
    BOOST_TEST(loop.size() == 1u);
    channel.close();
    loop.run();
    BOOST_TEST(got.destroyed == 1);
    loop.template emplace<stream<Place>>(got);
  }
  BOOST_TEST(got.destroyed == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_leaves_the_map_lives_on, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pair pair;
  auto& channel = loop.template emplace<stream<Place>>(std::move(pair.near), got,
                                                       [](auto& self) { self.del_channel(); });
  loop.run();
  BOOST_TEST(got.received == "x");
  BOOST_TEST(got.destroyed == 0);
  test::put(pair.far, "y");
  channel.on_data = [](auto& self) { self.close(); };
  channel.add_channel();
  loop.run();
  BOOST_TEST(got.received == "xy");
  BOOST_TEST(got.destroyed == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_closed_one_may_be_given_another_socket, Place, test::matrix) {
  loop_of<Place> loop;
  outcome got;
  ready_pair first, second;
  loop.template emplace<stream<Place>>(std::move(first.near), got, [&](auto& self) {
    self.close();
    if (second.near) self.set_socket(asyncore::socket(std::move(second.near)));
  });
  loop.run();
  BOOST_TEST(got.received == "xx");
  BOOST_TEST(got.destroyed == 1);
  BOOST_TEST(test::at_end(first.far));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(destructors_may_close_other_channels, Place, test::matrix) {
  outcome got;
  std::deque<ready_pair> pairs(4);
  const auto close_all = [](auto& self) { self.loop().close_all(); };
  {
    loop_of<Place> loop;
    for (std::size_t i = 0; i < 2; ++i) {
      auto& channel = loop.template emplace<stream<Place>>(std::move(pairs[i].near), got,
                                                           [](auto& self) { self.close(); });
      channel.on_destroy = close_all;
    }
    loop.run();
    BOOST_TEST(got.destroyed == 2);
    for (std::size_t i = 2; i < 4; ++i)
      loop.template emplace<stream<Place>>(std::move(pairs[i].near), got).on_destroy = close_all;
  }
  BOOST_TEST(got.destroyed == 4);
}

// Made elsewhere and given to the loop, at any time of its life.
BOOST_AUTO_TEST_CASE_TEMPLATE(an_adopted_channel_is_owned, Place, test::matrix) {
  outcome got;
  ready_pair pair, second;
  {
    loop_of<Place> loop;
    auto made = std::make_unique<stream<Place>>(loop, std::move(pair.near), got);
    auto* const where = made.get();
    BOOST_TEST(&loop.adopt(std::move(made)) == where);
    BOOST_TEST(test::turn_until(loop, [&] { return got.received == "x"; }));
    pair.far.reset();
    loop.run();
    BOOST_TEST(got.destroyed == 1);
    // One without a descriptor yet, and one that has closed already.
    loop.adopt(std::make_unique<stream<Place>>(loop, got));
    auto closed = std::make_unique<stream<Place>>(loop, std::move(second.near), got);
    closed->close();
    loop.adopt(std::move(closed));
    loop.poll();
    BOOST_TEST(got.destroyed == 2);
  }
  BOOST_TEST(got.destroyed == 3);
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_not_of_the_loop_is_not_adopted, Place, test::matrix) {
  outcome got;
  loop_of<Place> loop, other;
  const auto refused = [](const std::system_error& e) {
    return e.code() == std::errc::invalid_argument;
  };
  BOOST_CHECK_EXCEPTION(loop.adopt(std::unique_ptr<stream<Place>>()), std::system_error, refused);
  BOOST_CHECK_EXCEPTION(loop.adopt(std::make_unique<stream<Place>>(other, got)), std::system_error,
                        refused);
  BOOST_TEST(got.destroyed == 1);
}
#endif

template <class Place>
struct shape;
template <class Place>
using shape_loop = typename Place::template loop<shape<Place>>;

/// The head of a hierarchy: its destructor and its hook are virtual.
template <class Place>
struct shape : asyncore::dispatcher_with_send<shape<Place>, shape_loop<Place>> {
  shape(shape_loop<Place>& loop, test::unique_fd fd, outcome& result)
      : shape::dispatcher_with_send(loop, asyncore::socket(std::move(fd))), got(result) {}
  virtual ~shape() = default;
  virtual void handle_data(std::span<const std::byte>) { got.received += "shape "; }
  outcome& got;
};
template <class Place>
struct circle : shape<Place> {
  using shape<Place>::shape;
  ~circle() override { ++this->got.destroyed; }
  void handle_data(std::span<const std::byte>) override { this->got.received += "circle "; }
};

BOOST_AUTO_TEST_CASE_TEMPLATE(a_subclass_is_destroyed_as_what_it_is, Place, test::matrix) {
  outcome got;
  ready_pair first, second;
  shape_loop<Place> loop;
  loop.template emplace<circle<Place>>(std::move(first.near), got);
  loop.adopt(std::make_unique<circle<Place>>(loop, std::move(second.near), got));
  BOOST_TEST(test::turn_until(loop, [&] { return got.received == "circle circle "; }));
  first.far.reset();
  second.far.reset();
  loop.run();
  BOOST_TEST(got.destroyed == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

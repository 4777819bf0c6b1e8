// SPDX-License-Identifier: BSL-1.0
// handle_close says whether it was an end or an error, and which.
#include <asyncore.hpp>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

/// What handle_close said.
struct told {
  int closes = 0;
  std::error_code reason;
  std::function<void()> on_data;
};

template <class Place>
struct stream;
template <class Place>
struct chat;
template <class Place>
struct reader;
template <class Place>
using loop_of = typename Place::template loop<stream<Place>, chat<Place>, reader<Place>>;

template <class Base>
struct listening : Base {
  listening(typename Base::loop_type& loop, told& what, asyncore::unique_fd fd)
      : Base(loop, asyncore::socket(std::move(fd))), it(what) {}
  void log(std::string_view) {}
  void handle_data(std::span<const std::byte>) {
    if (const auto act = it.on_data) act();
  }
  void handle_close(std::error_code reason) {
    ++it.closes;
    it.reason = reason;
    this->close();
  }
  told& it;
};

template <class Place>
struct stream : listening<asyncore::dispatcher_with_send<stream<Place>, loop_of<Place>>> {
  using stream::listening::listening;
};
template <class Place>
struct reader : listening<asyncore::dispatcher<reader<Place>, loop_of<Place>>> {
  using reader::listening::listening;
};
template <class Place>
struct chat : listening<asyncore::async_chat<chat<Place>, loop_of<Place>>> {
  using chat::listening::listening;
  using chat::async_chat::handle_data;
  static constexpr std::size_t incoming_limit = 10;
  void collect_incoming_data(std::span<const std::byte>) {}
  void found_terminator() {}
};

template <class Place>
struct scene {
  told it;
  test::ends pair = test::tcp_pair();
  loop_of<Place> loop;

  template <template <class> class Kind>
  Kind<Place>& emplace() {
    return loop.template emplace<Kind<Place>>(it, std::move(pair.near));
  }
  bool until_told() {
    return test::turn_until(loop, [&] { return it.closes > 0; });
  }
  /// `reason` as a number, 0 for none.
  int why() {
    BOOST_TEST(until_told());
    BOOST_TEST(it.closes == 1);
    return it.reason.value();
  }
};

template <template <class> class Kind, class Place>
void tells_them_apart() {
  {
    scene<Place> s;
    s.template emplace<Kind>();
    test::shut(s.pair.far.get(), SHUT_WR);
    BOOST_TEST(s.why() == 0);
  }
  {
    scene<Place> s;
    s.template emplace<Kind>();
    test::reset(s.pair.far);
    BOOST_TEST(s.why() == ECONNRESET);
  }
  {  // by a hangup
    scene<Place> s;
    auto& one = s.template emplace<Kind>();
    test::turn(s.loop);
    one.pause_reading();
    test::turn(s.loop);
    test::reset(s.pair.far);
    // select has no hangup for one that does not read.
    if (std::string_view(Place::poller::name).ends_with("select")) one.resume_reading();
    BOOST_TEST(s.why() == ECONNRESET);
  }
}

BOOST_FIXTURE_TEST_SUITE(end_or_error, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(of_the_peer, Place, test::one_a_poller) {
  tells_them_apart<reader, Place>();
  tells_them_apart<stream, Place>();
  tells_them_apart<chat, Place>();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_send, Place, test::one_a_poller) {
  scene<Place> s;
  s.pair = test::socket_pair();
  auto& one = s.template emplace<stream>();
  s.pair.far.reset();
  one.send("x");
  BOOST_TEST(s.why() == EPIPE);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(of_all_that_was_pushed, Place, test::one_a_poller) {
  {
    scene<Place> s;
    auto& one = s.template emplace<chat>();
    one.push("bye");
    one.close_when_done();
    BOOST_TEST(s.why() == 0);
  }
  {
    scene<Place> s;
    auto& one = s.template emplace<stream>();
    one.send("bye");
    one.close_when_done();
    test::turn(s.loop, 3);
    s.pair.far.reset();
    BOOST_TEST((s.why() == 0 || s.it.reason == std::errc::connection_reset));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(of_a_limit, Place, test::one_a_poller) {
  {
    scene<Place> s;
    auto& one = s.template emplace<stream>();
    const std::string much(9'000'000, 'x');
    while (s.it.closes == 0 && one.send(much).ok()) continue;
    BOOST_TEST(s.why() == ENOBUFS);
  }
  {
    scene<Place> s;
    s.template emplace<chat>().set_terminator("\n");
    test::put(s.pair.far, "longer than the limit");
    BOOST_TEST(s.why() == EMSGSIZE);
  }
}

#if ASYNCORE_HAS_EXCEPTIONS
// The default of handle_error calls handle_close.
BOOST_AUTO_TEST_CASE_TEMPLATE(of_an_exception, Place, test::one_a_poller) {
  for (const int error : {0, ENOENT}) {
    scene<Place> s;
    s.template emplace<stream>();
    s.it.on_data = [&] {
      if (error != 0) asyncore::detail::throw_error(asyncore::errno_code(error), "on purpose");
      throw std::runtime_error("on purpose");
    };
    test::put(s.pair.far, "x");
    BOOST_TEST(s.why() == (error != 0 ? error : ECANCELED));
  }
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

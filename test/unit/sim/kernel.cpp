// SPDX-License-Identifier: BSL-1.0
// What the simulated kernel alone does: what it objects to, and what happens at times that a test
// chooses. What it has in common with the real one is tested on both (sys/calls.cpp).
#include <asyncore.hpp>
#include <asyncore/sim.hpp>

#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <array>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace {

using namespace std::chrono_literals;
using asyncore::bytes_view;
using asyncore::endpoint;
using asyncore::fault;
using asyncore::interest;
using asyncore::readiness;
using asyncore::sim_faults;
using asyncore::sim_kernel;
using asyncore::sim_peer;
using asyncore::token;
using pollers =
    std::tuple<asyncore::sim_select_poller, asyncore::sim_poll_poller, asyncore::sim_epoll_poller>;

const endpoint where = endpoint::ip("127.0.0.1", 7);

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string read_from(sim_kernel& kernel, int fd) {
  std::array<std::byte, 64> into;
  const std::ptrdiff_t n = kernel.system().read(fd, into);
  return n < 0 ? std::to_string(n)
               : std::string(asyncore::as_text({into.data(), static_cast<std::size_t>(n)}));
}
bool objects(const sim_kernel& kernel, std::string_view text) {
  for (const std::string& each : kernel.violations().texts())
    if (each.find(text) != each.npos) return true;
  return false;
}
template <class Poller>
int wait(Poller& poller, asyncore::timeout_type timeout, std::vector<token>* reported = nullptr) {
  return poller.wait(timeout, [&](token t, readiness) {
    if (reported != nullptr) reported->push_back(t);
  });
}

BOOST_AUTO_TEST_SUITE(simulated_kernel)

// What it objects to

BOOST_AUTO_TEST_CASE(writes_of_too_many_pieces) {
  sim_kernel kernel;
  const auto [reader, writer] = kernel.pipe();
  std::vector<iovec> pieces(1025, iovec{nullptr, 0});
  kernel.system().writev(writer, {pieces.data(), 1024});
  BOOST_TEST(kernel.violations().count() == 0u);
  kernel.system().writev(writer, pieces);
  kernel.system().writev(writer, {});
  BOOST_TEST(objects(kernel, "a write of 1025 pieces"));
  BOOST_TEST(objects(kernel, "a write of 0 pieces"));
  BOOST_TEST(kernel.violations().count() == 2u);
}

BOOST_AUTO_TEST_CASE(descriptors_that_are_left_open) {
  sim_kernel kernel;
  const auto [first, second] = kernel.pipe();
  const std::array<int, 2> pair = kernel.socketpair();
  BOOST_TEST(kernel.close(second) == 0);
  BOOST_TEST((kernel.descriptors() == std::vector<int>{first, pair[0], pair[1]}));
  BOOST_TEST(kernel.open_descriptors() == 3u);
  kernel.expect_all_closed();
  BOOST_TEST(kernel.violations().count() == 3u);
  BOOST_TEST(objects(kernel, asyncore::detail::fd_text(first) + " of kind 3 is left open"));
}

BOOST_AUTO_TEST_CASE(descriptors_that_are_not_open) {
  sim_kernel kernel;
  BOOST_TEST(!kernel.is_open(-1));
  BOOST_TEST(!kernel.is_open(500));
  BOOST_TEST(!kernel.disturbed(500));
  BOOST_TEST(kernel.close(500) == -EBADF);
  BOOST_TEST(read_from(kernel, 500) == std::to_string(-EBADF));
  BOOST_TEST(read_from(kernel, -1) == std::to_string(-EBADF));  // which nothing is said of
  kernel.reset(500);
  kernel.make_urgent(500);
  kernel.unwatch(500);
  kernel.unwatch(-1);
  BOOST_TEST(objects(kernel, "close of fd 500, which is not open"));
  BOOST_TEST(objects(kernel, "read of fd 500, which is not open"));
  BOOST_TEST(objects(kernel, "reset of fd 500"));
  BOOST_TEST(kernel.violations().count() == 3u);
}

BOOST_AUTO_TEST_CASE(only_the_first_violations_are_kept) {
  sim_kernel kernel;
  for (int i = 0; i < 50; ++i) kernel.object(std::to_string(i));
  BOOST_TEST(kernel.violations().count() == 50u);
  BOOST_TEST(kernel.violations().texts().size() == 20u);
  BOOST_TEST(objects(kernel, "at 1000000000 ns: 19"));
}

// Law 1: the number has been given to another one since the poller looked.
BOOST_AUTO_TEST_CASE(a_report_that_reaches_another_one) {
  sim_kernel kernel;
  auto [first, second] = kernel.pipe();
  const asyncore::sim_ref before = kernel.at(first)->self;
  kernel.begin_report(first, before);
  read_from(kernel, first);
  BOOST_TEST(kernel.violations().count() == 0u);
  kernel.close(first);
  BOOST_TEST(kernel.file({}) == first);
  kernel.begin_report(first, before);
  read_from(kernel, second);
  BOOST_TEST(kernel.violations().count() == 0u);
  kernel.begin_report(first, before);
  read_from(kernel, first);
  BOOST_TEST(objects(kernel, "reaches who has it now"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_that_spins, Poller, pollers) {
  sim_kernel kernel;
  const auto [reader, writer] = kernel.pipe();
  kernel.write(asyncore::sim_call::write, writer,
               std::array{asyncore::detail::piece_of(bytes("x"))});
  Poller poller(kernel);
  BOOST_REQUIRE(!poller.add({reader, 1}, interest::read));
  int waits = 0;
  while (waits < 5000 && wait(poller, 0ns) == 1) ++waits;
  BOOST_TEST(waits == 2000);
  BOOST_TEST(objects(kernel, "the loop spins"));
  BOOST_TEST(wait(poller, 0ns) == 1);
  poller.remove({reader, 1});
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_that_cannot_end, Poller, pollers) {
  sim_kernel kernel;
  const auto [reader, writer] = kernel.pipe();
  Poller poller(kernel);
  BOOST_REQUIRE(!poller.add({reader, 1}, interest::read));
  BOOST_TEST(wait(poller, {}) == -EDEADLK);
  BOOST_TEST(objects(kernel, "waits without end for what can never come"));
  BOOST_TEST(wait(poller, 1h) == 0);
  poller.remove({reader, 1});
}

struct waiting : asyncore::channel<waiting, asyncore::basic_loop<asyncore::sim_poll_poller,
                                                                 asyncore::fd_table<waiting>>> {
  waiting(loop_type& loop, int fd) : channel(loop) {
    set_descriptor(fd);
    add_channel();
  }
  void handle_read() {}
  void handle_close() { close(); }
};

BOOST_AUTO_TEST_CASE(loops_that_wait_for_what_cannot_come) {
  sim_kernel kernel;
  const auto [reader, writer] = kernel.pipe();
  waiting::loop_type one(kernel), two(kernel);
  waiting first(one, reader);
  BOOST_TEST(!kernel.run(one, two));
  BOOST_TEST(objects(kernel, "waits without end"));
  kernel.after(1s, [&kernel, fd = writer] { kernel.close(fd); });
  BOOST_TEST(kernel.run(one, two));
  BOOST_TEST(one.empty());
}

// Pollers

BOOST_AUTO_TEST_CASE_TEMPLATE(what_pollers_do_not_know, Poller, pollers) {
  sim_kernel kernel;
  const auto [reader, writer] = kernel.pipe();
  Poller poller(kernel);
  BOOST_TEST(poller.modify({reader, 1}, interest::read).value() == ENOENT);
  poller.remove({reader, 1});
  BOOST_TEST(wait(poller, 0ns) == 0);
  kernel.faults().set(fault::spurious_readiness, sim_faults::always);
  BOOST_TEST(wait(poller, 0ns) == 0);  // of nothing
  BOOST_REQUIRE(!poller.add({reader, 1}, interest::read));
  BOOST_TEST(wait(poller, 0ns) == 1);
  BOOST_REQUIRE(!poller.modify({reader, 1}, interest::none));
  BOOST_TEST(wait(poller, 0ns) == 0);
  poller.remove({reader, 1});
  BOOST_TEST(kernel.violations().count() == 0u);
}

BOOST_AUTO_TEST_CASE(epoll_knows_what_a_descriptor_stands_for) {
  sim_kernel kernel;
  asyncore::sim_epoll_poller poller(kernel);
  BOOST_TEST(poller.add({500, 1}, interest::read).value() == EBADF);
  BOOST_TEST(poller.modify({500, 1}, interest::read).value() == ENOENT);
  auto [reader, writer] = kernel.pipe();
  BOOST_REQUIRE(!poller.add({reader, 1}, interest::read));
  BOOST_TEST(poller.add({reader, 2}, interest::read).value() == EEXIST);
  // The duplicate keeps the watch alive, and the number stands for something else.
  const int copy = kernel.dup(reader);
  kernel.close(reader);
  BOOST_TEST(kernel.file({}) == reader);
  BOOST_TEST(poller.modify({reader, 3}, interest::read).value() == ENOENT);
  BOOST_REQUIRE(!poller.add({reader, 3}, interest::none));
  const int file = kernel.file({});
  BOOST_REQUIRE(!poller.add({file, 4}, interest::read));
  std::vector<token> reported;
  BOOST_TEST(wait(poller, {}, &reported) == 1);
  BOOST_TEST((reported == std::vector<token>{{file, 4}}));
  kernel.close(writer);
  reported.clear();
  BOOST_TEST(wait(poller, {}, &reported) == 2);
  BOOST_TEST((reported.front() == token{reader, 1}));
  kernel.close(copy);
  BOOST_TEST(wait(poller, 0ns) == 1);
  BOOST_TEST((asyncore::detail::node_readiness(asyncore::sim_node{}, nullptr) == readiness::none));
}

BOOST_AUTO_TEST_CASE(select_refuses_what_has_no_bit) {
  sim_kernel kernel(1, {.descriptor_limit = 2 * FD_SETSIZE});
  const int high = kernel.dup(kernel.file({}), FD_SETSIZE);
  BOOST_TEST(high == FD_SETSIZE);
  asyncore::sim_select_poller poller(kernel);
  BOOST_TEST((poller.add({high, 1}, interest::read) == std::errc::value_too_large));
  BOOST_TEST((poller.add({-1, 1}, interest::read) == std::errc::value_too_large));
}

// A descriptor that is closed while a poller waits: epoll forgets it, poll tells, and select too,
// the next time.
BOOST_AUTO_TEST_CASE_TEMPLATE(closed_in_a_wait, Poller, pollers) {
  sim_kernel kernel(1, {.latency = 1s});
  const std::array<int, 2> pair = kernel.socketpair();
  Poller poller(kernel);
  BOOST_REQUIRE(!poller.add({pair[0], 1}, interest::read));
  kernel.write(asyncore::sim_call::write, pair[1],
               std::array{asyncore::detail::piece_of(bytes("x"))});  // is on its way for a second
  kernel.after(1ms, [&] { kernel.close(pair[0]); });
  const bool by_poll = Poller::name == "sim_poll";
  BOOST_TEST(wait(poller, 2ms) == (by_poll ? 1 : 0));
  BOOST_TEST(objects(kernel, "which a poller watches"));
  const bool by_select = Poller::name == "sim_select";
  BOOST_TEST(wait(poller, 2ms) == (by_select ? -EBADF : by_poll ? 1 : 0));
  if constexpr (requires { Poller::fd_limit; }) {
    BOOST_REQUIRE(!poller.modify({pair[0], 1}, interest::none));
    BOOST_TEST(wait(poller, 2ms) == 0);
  }
}

// Connections

BOOST_AUTO_TEST_CASE(an_attempt_is_not_repeated_for_ever) {
  sim_kernel kernel;
  const int listener = kernel.socket(AF_INET, SOCK_STREAM);
  BOOST_REQUIRE_EQUAL(kernel.bind(listener, where), 0);
  BOOST_REQUIRE_EQUAL(kernel.listen(listener, 0), 0);
  sim_peer first(kernel), second(kernel);
  first.connect(where);
  second.connect(where);
  kernel.settle(62s);
  BOOST_TEST(first.connected());
  BOOST_TEST(!second.connected());
  BOOST_TEST(second.error() == 0);
  kernel.settle(66s);  // 127 s in all, as with tcp_syn_retries of Linux
  BOOST_TEST(second.error() == ETIMEDOUT);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_is_torn_down) {
  sim_kernel kernel;
  const int fd = kernel.socket(AF_INET, SOCK_STREAM);
  BOOST_TEST(kernel.connect(fd, where) == -EINPROGRESS);
  kernel.break_connection(*kernel.at(fd), EHOSTUNREACH);
  kernel.settle();
  int error = 0;
  BOOST_TEST(kernel.getsockopt(fd, SOL_SOCKET, SO_ERROR, error) == 0);
  BOOST_TEST(error == EHOSTUNREACH);
}

BOOST_AUTO_TEST_CASE(a_reset_from_outside) {
  sim_kernel kernel;
  const auto [one, other] = kernel.socketpair();
  kernel.reset(other);
  BOOST_TEST(!kernel.is_open(other));
  BOOST_TEST(read_from(kernel, one) == std::to_string(-ECONNRESET));
  BOOST_TEST(kernel.violations().count() == 0u);
}

BOOST_AUTO_TEST_CASE(urgent_data_from_outside) {
  sim_kernel kernel;
  const auto [one, other] = kernel.socketpair();
  kernel.make_urgent(one);
  BOOST_TEST(asyncore::any(kernel.ready(*kernel.at(one)), readiness::expt));
  kernel.make_urgent(one, false);
  BOOST_TEST(!asyncore::any(kernel.ready(*kernel.at(one)), readiness::expt));
  BOOST_TEST(kernel.send_urgent(one, bytes("!")) == -EOPNOTSUPP);  // a UNIX socket has none
  sim_peer client(kernel);
  const int listener = kernel.socket(AF_INET, SOCK_STREAM);
  kernel.bind(listener, where);
  kernel.listen(listener, 1);
  client.connect(where);
  kernel.settle();
  endpoint from;
  const int peer = kernel.accept(listener, from);
  client.close();
  BOOST_TEST(kernel.send_urgent(peer, bytes("!")) == -EPIPE);
}

// What is sent when something is on its way already, due now, comes behind it.
BOOST_AUTO_TEST_CASE(what_is_due_at_the_same_time_keeps_its_order) {
  sim_kernel kernel;
  const auto [one, other] = kernel.socketpair();
  const auto write = [&, fd = other](std::string_view text) {
    const iovec piece = asyncore::detail::piece_of(bytes(text));
    BOOST_TEST(kernel.write(asyncore::sim_call::write, fd, {&piece, 1}) == 1);
  };
  kernel.after(1ns, [&] {
    kernel.faults().stop();
    write("b");
  });
  kernel.faults().set(fault::delayed, sim_faults::always);
  const std::array<std::uint8_t, 2> chosen{0, 0};  // yes, and the shortest delay: 1 ns
  kernel.random().script(chosen);
  write("a");
  BOOST_TEST(read_from(kernel, one) == std::to_string(-EAGAIN));
  kernel.settle();
  BOOST_TEST(read_from(kernel, one) == "ab");
  BOOST_TEST(kernel.faults().count(fault::delayed) == 1u);
}

BOOST_AUTO_TEST_CASE(a_call_that_is_told_to_fail) {
  sim_kernel kernel;
  const int fd = kernel.socket(AF_INET, SOCK_STREAM);
  for (std::size_t choice = 0;; ++choice) {
    kernel.fail_call(1, choice);
    const std::string result = read_from(kernel, fd);
    BOOST_TEST(kernel.failed_call().reached);
    if (!kernel.failed_call().chosen) {
      BOOST_TEST(result == std::to_string(-ENOTCONN));  // nothing has happened to the socket
      BOOST_TEST(choice > 1u);
      break;
    }
    BOOST_TEST(result == std::to_string(-kernel.failed_call().error));
  }
  BOOST_TEST(&kernel.system().kernel() == &kernel);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// The checkers of a simulation, each shown what it is to find, and what a run leaves behind.
#include <asyncore/sim.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using asyncore::fault;
using asyncore::hook_order;
using asyncore::keyed_receiver;
using asyncore::keyed_stream;
using asyncore::sim_call;
using asyncore::sim_faults;
using asyncore::sim_kernel;
using asyncore::sim_random;

std::string take(keyed_receiver& receiver, std::string_view text) {
  return receiver.take(std::as_bytes(std::span(text)));
}

BOOST_AUTO_TEST_SUITE(checkers)

// Streams

struct stream_fixture {
  const keyed_stream stream{42};
  const std::string text = stream.bytes(0, 1000);
  keyed_receiver receiver{42};
  stream_fixture() { BOOST_REQUIRE_EQUAL(take(receiver, text.substr(0, 100)), ""); }
};

BOOST_FIXTURE_TEST_CASE(a_stream_that_arrives, stream_fixture) {
  BOOST_TEST(take(receiver, "") == "");
  BOOST_TEST(take(receiver, text.substr(100)) == "");
  BOOST_TEST(receiver.position() == 1000u);
  BOOST_TEST(keyed_stream(43).bytes(0, 100) != text.substr(0, 100));
}

BOOST_FIXTURE_TEST_CASE(bytes_that_are_lost, stream_fixture) {
  BOOST_TEST(take(receiver, text.substr(100, 20) + text.substr(170, 30)) ==
             "loss of 50 bytes at 120");
  BOOST_TEST(receiver.position() == 100u);  // of what is wrong nothing counts
  BOOST_TEST(take(receiver, text.substr(101, 8)) == "loss of 1 bytes at 100");
}

BOOST_FIXTURE_TEST_CASE(bytes_that_come_twice, stream_fixture) {
  BOOST_TEST(take(receiver, text.substr(100, 20) + text.substr(90, 30)) ==
             "duplication of 30 bytes at 120");
  BOOST_TEST(take(receiver, text.substr(0, 40)) == "duplication of 100 bytes at 100");
}

BOOST_FIXTURE_TEST_CASE(bytes_in_another_order, stream_fixture) {
  BOOST_TEST(take(receiver, text.substr(150, 50) + text.substr(100, 50)) ==
             "reordering of 50 bytes at 100");
  // What follows too closely behind to be told from chance.
  BOOST_TEST(take(receiver, text.substr(150, 50) + text.substr(100, 3)) ==
             "loss of 50 bytes at 100");
}

BOOST_FIXTURE_TEST_CASE(bytes_that_are_wrong, stream_fixture) {
  std::string wrong = text.substr(100, 50);
  for (char& c : std::span(wrong).subspan(10)) c = static_cast<char>(c ^ 0x55);
  BOOST_TEST(take(receiver, wrong) == "corruption at 110");
}

// Hooks

struct hooks_fixture {
  sim_kernel kernel;
  hook_order hooks{kernel, "one", false};
  std::string last() const {
    const auto& texts = kernel.violations().texts();
    return texts.empty() ? "" : texts.back().substr(texts.back().find(": ") + 2);
  }
};

BOOST_FIXTURE_TEST_CASE(hooks_in_their_order, hooks_fixture) {
  hooks.on_connect();
  hooks.on_data();
  hooks.on_write();
  BOOST_TEST(!hooks.closed());
  hooks.on_close();
  BOOST_TEST(hooks.closed());
  hooks.on_write_even_after_close();
  hooks.restart(true);
  BOOST_TEST(!hooks.closed());
  hooks.on_data();
  hooks.on_close();
  BOOST_TEST(last() == "");
}

BOOST_FIXTURE_TEST_CASE(hooks_before_the_connection, hooks_fixture) {
  hooks.on_data();
  BOOST_TEST(last() == "one: a reading hook before handle_connect");
  hooks.on_write();
  BOOST_TEST(last() == "one: handle_write before handle_connect");
  hooks.on_connect();
  BOOST_TEST(kernel.violations().count() == 2u);
  BOOST_TEST(!kernel.violations().empty());
  hooks.on_connect();
  BOOST_TEST(last() == "one: handle_connect of what is connected");
}

BOOST_FIXTURE_TEST_CASE(hooks_after_the_close, hooks_fixture) {
  hooks.on_connect();
  hooks.on_close();
  hooks.on_data();
  BOOST_TEST(last() == "one: a reading hook after handle_close");
  hooks.on_write();
  BOOST_TEST(last() == "one: handle_write after handle_close");
  hooks.on_close();
  BOOST_TEST(last() == "one: handle_close after handle_close");
  hooks.on_connect();
  BOOST_TEST(kernel.violations().count() == 5u);  // it is connected, and closed
}

// Faults

BOOST_AUTO_TEST_CASE(a_fault_fires_as_often_as_it_is_told_to) {
  sim_faults faults;
  sim_random random(1);
  const auto fired = [&] {
    int count = 0;
    for (int i = 0; i < 10000; ++i) count += faults.fires(fault::split, random);
    return count;
  };
  BOOST_TEST(fired() == 0);
  faults.set(fault::split, sim_faults::always / 4);
  BOOST_TEST(faults.rate(fault::split) == sim_faults::always / 4);
  BOOST_TEST(faults.rate(fault::delayed) == 0u);
  const int often = fired();
  BOOST_TEST(often > 2300);
  BOOST_TEST(often < 2700);
  faults.set(fault::split, sim_faults::always);
  BOOST_TEST(fired() == 10000);
  faults.stop();
  BOOST_TEST(fired() == 0);
  BOOST_TEST(faults.count(fault::split) == static_cast<unsigned>(often) + 10000u);
}

BOOST_AUTO_TEST_CASE(every_fault_has_a_name_of_its_own) {
  std::array<std::string_view, asyncore::fault_kinds> names;
  for (std::size_t i = 0; i < names.size(); ++i)
    names[i] = asyncore::fault_name(static_cast<fault>(i));
  BOOST_TEST(names.front() == "one_byte_read");
  BOOST_TEST(names.back() == "peer_closes");
  std::sort(names.begin(), names.end());
  BOOST_TEST((std::adjacent_find(names.begin(), names.end()) == names.end()));
}

// Numbers

BOOST_AUTO_TEST_CASE(numbers_that_a_fuzzer_chooses) {
  sim_random random(7), other(7);
  const std::array<std::uint8_t, 2> bytes{0, 255};
  random.script(bytes);
  BOOST_TEST(random.below(1000) == 0u);
  BOOST_TEST(random.below(1000) == 999u);
  BOOST_TEST(random.next() == other.next());  // then of the seed
}

// Traces

std::string text_of(std::FILE* file) {
  std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  BOOST_TEST(std::fread(text.data(), 1, text.size(), file) == text.size());
  return text;
}

BOOST_AUTO_TEST_CASE(a_trace_is_the_same_printed_or_not) {
  std::FILE* const file = std::tmpfile();
  BOOST_REQUIRE(file != nullptr);
  std::uint64_t hashes[2];
  for (const bool printed : {false, true}) {
    sim_kernel kernel;
    if (printed) kernel.trace().print_to(file);
    const auto [reader, writer] = kernel.pipe();
    kernel.close(writer);
    kernel.object("a remark");
    kernel.close(reader);
    BOOST_TEST(kernel.trace().lines() == 2u);
    hashes[printed] = kernel.trace().hash();
    kernel.trace().print_to(nullptr);
    kernel.object("another remark");
  }
  BOOST_TEST(hashes[0] == hashes[1]);
  const std::string text = text_of(file);
  std::fclose(file);
  BOOST_TEST(text.find("1000000000  close(4) = 0\n") != text.npos);
  BOOST_TEST(text.find("  a") != text.npos);
  BOOST_TEST(text.find("a remark\n") != text.npos);
  BOOST_TEST(text.find("another remark") == text.npos);
}

BOOST_AUTO_TEST_CASE(everything_counts_in_a_trace) {
  const auto hash = [](std::chrono::nanoseconds now, sim_call call, int about, int result) {
    asyncore::sim_trace trace;
    trace.note(now, call, about, result);
    return trace.hash();
  };
  const std::uint64_t one = hash(1s, sim_call::read, 3, 4);
  BOOST_TEST(one == hash(1s, sim_call::read, 3, 4));
  BOOST_TEST(one != hash(2s, sim_call::read, 3, 4));
  BOOST_TEST(one != hash(1s, sim_call::write, 3, 4));
  BOOST_TEST(one != hash(1s, sim_call::read, 4, 4));
  BOOST_TEST(one != hash(1s, sim_call::read, 3, 5));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

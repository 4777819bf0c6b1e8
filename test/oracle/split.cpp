// SPDX-License-Identifier: BSL-1.0
// Random equivalence of async_chat: what is collected, and when found_terminator is called, is the
// same as with Python's asynchat, however the stream is cut and the terminator changes.
// A failed seed is played again by `oracle_test --run_test=split -- --seed=N`.
#include "python.hpp"
#include "script.hpp"
#include "split_cases.hpp"

#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>

namespace {

using oracle::split_case;

constexpr int cases = 20'000;
constexpr std::uint64_t fixed_seed = 3;
// The CRC of Python's results for the fixed seed.
constexpr std::uint32_t recorded = 0xba4d04f3;

/// Reads what the test says.
struct scripted_transport : asyncore::socket_transport {
  static inline std::string_view piece;
  template <class System>
  static std::ptrdiff_t receive(System&&, int, std::span<std::byte> into) noexcept {
    std::memcpy(into.data(), piece.data(), piece.size());
    return static_cast<std::ptrdiff_t>(piece.size());
  }
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (char& c : text)
    if (const auto at = from.find(c); at != from.npos) c = to[at];
  return text;
}
std::string to_bytes(std::string_view letters) {
  return replaced(std::string(letters), "RN", "\r\n");
}

using test_loop = asyncore::basic_loop<asyncore::default_poller, asyncore::fd_table<>>;

/// The twin of the class in split.py.
class split_channel
    : public asyncore::async_chat<split_channel, test_loop, scripted_transport> {
 public:
  split_channel(test_loop& loop, asyncore::socket connection, const split_case& played)
      : async_chat(loop, std::move(connection)), played_(played) {
    act(played.first);
  }

  void act(const std::string& what) {
    if (what == "!") {
      discard_buffers();
    } else if (what == "-") {
      set_terminator(nullptr);
    } else if (what == "_") {
      set_terminator("");
    } else if (what[0] >= '0' && what[0] <= '9') {
      set_terminator(std::stoi(what));
    } else if (what != ".") {
      set_terminator(to_bytes(what));
    }
  }

  void collect_incoming_data(std::span<const std::byte> data) {
    result.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
  void found_terminator() {
    result += '.';
    act(played_.actions[found_++ % played_.actions.size()]);
  }

  void feed(std::string_view piece) {
    if (const auto colon = piece.find(':'); colon != piece.npos) {
      act(std::string(piece.substr(0, colon)));
      piece.remove_prefix(colon + 1);
    }
    const std::string bytes = to_bytes(piece);
    scripted_transport::piece = bytes;
    handle_read_event();
    result += '/';
  }

  std::string result;

 private:
  const split_case& played_;
  std::size_t found_ = 0;
};

std::vector<split_case> cases_of(std::uint64_t seed) {
  oracle::random_source random(seed);
  std::vector<split_case> all;
  for (int i = 0; i < cases; ++i) all.emplace_back(random);
  return all;
}

std::vector<std::string> split(const std::vector<split_case>& all) {
  int ends[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const asyncore::unique_fd one(ends[0]), other(ends[1]);
  test_loop loop;
  std::vector<std::string> results;
  for (const split_case& each : all) {
    split_channel channel(loop, asyncore::socket(::dup(one.get())), each);
    for (const std::string& piece : each.pieces) channel.feed(piece);
    results.push_back(replaced(channel.result, "\r\n", "RN"));
  }
  return results;
}

std::uint32_t digest(const std::vector<std::string>& results) {
  std::string all;
  for (const std::string& each : results) all += each + '\n';
  return oracle::crc32(all);
}

/// What Python makes of the cases, asked in bulk.
std::vector<std::string> split_by_python(const std::vector<split_case>& all) {
  const oracle::scratch_directory scratch;
  const std::string file = (scratch.path / "cases").string();
  {
    std::ofstream out(file);
    for (const split_case& each : all) out << each.line();
  }
  return oracle::output_of(oracle::python() + " -B '" TEST_DIRECTORY "/oracle/split.py' <'" +
                           file + "'");
}

void compare(std::uint64_t seed) {
  BOOST_TEST_MESSAGE("seed " << seed);
  const std::vector<split_case> all = cases_of(seed);
  const std::vector<std::string> results = split(all);
  if (oracle::python().empty()) {
    BOOST_TEST(seed == fixed_seed);
    BOOST_TEST(digest(results) == recorded);
    return;
  }
  const std::vector<std::string> wanted = split_by_python(all);
  BOOST_REQUIRE_EQUAL(wanted.size(), results.size());
  if (seed == fixed_seed) BOOST_TEST(digest(wanted) == recorded);
  for (std::size_t i = 0; i < all.size(); ++i)
    BOOST_REQUIRE_MESSAGE(results[i] == wanted[i],
                          "seed " << seed << ", case " << i << ": " << all[i].line() << "wanted "
                                  << wanted[i] << "\ngot    " << results[i]);
}

boost::test_tools::assertion_result have_python(boost::unit_test::test_unit_id) {
  return !oracle::python().empty();
}

/// The option --seed=N, or a new one.
std::uint64_t other_seed() {
  const auto& suite = boost::unit_test::framework::master_test_suite();
  for (int i = 1; i < suite.argc; ++i)
    if (const std::string_view option = suite.argv[i]; option.starts_with("--seed="))
      return std::stoull(std::string(option.substr(7)));
  return std::random_device()();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(split_randomly)

BOOST_AUTO_TEST_CASE(fixed_seed_as_python) { compare(fixed_seed); }

BOOST_AUTO_TEST_CASE(random_seed_as_python, *boost::unit_test::precondition(have_python)) {
  compare(other_seed());
}

BOOST_AUTO_TEST_SUITE_END()

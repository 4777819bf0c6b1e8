// SPDX-License-Identifier: BSL-1.0
// Every scenario on every poller, against what Python's asyncore does; and what Python does now
// against what it did when the traces were recorded.
#include "place.hpp"
#include "python.hpp"
#include "world.hpp"

#include <boost/hana/for_each.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <memory>

namespace {

namespace fs = std::filesystem;
namespace ut = boost::unit_test;
using oracle::scenario;
using lines = std::vector<std::string>;

const fs::path directory = fs::path(TEST_DIRECTORY) / "oracle";

/// What Python does in a scenario, under each of its pollers.
struct python_trace {
  lines select, poll;
};

lines recorded_lines(const std::string& name) {
  return oracle::lines_of(directory / "traces" / (name + ".txt"));
}

python_trace recorded(const std::string& name) {
  const lines all = recorded_lines(name);
  const auto select = std::find(all.begin(), all.end(), "[select]");
  if (select == all.end()) return {all, all};
  const auto poll = std::find(select, all.end(), "[poll]");
  return {{select + 1, poll}, {poll + 1, all.end()}};
}

/// False when it cannot be played without exceptions, which are compiled out.
bool playable(const scenario& script) {
  if (ASYNCORE_HAS_EXCEPTIONS) return true;
  const lines trace = script.differs ? script.expected : recorded(script.name).poll;
  const auto raises = [](const std::string& line) { return line.find("raises") != line.npos; };
  return !script.throws() && std::none_of(trace.begin(), trace.end(), raises);
}

void check_equal(const lines& got, const lines& wanted) {
  BOOST_TEST(got == wanted, boost::test_tools::per_element());
  if (got == wanted) return;
  for (const std::string& line : wanted) BOOST_TEST_MESSAGE("wanted  " << line);
  for (const std::string& line : got) BOOST_TEST_MESSAGE("got     " << line);
}

template <class Place>
void play(const scenario& script, std::string_view poller) {
  // Python ignores it too; there is no other way for pipes.
  std::signal(SIGPIPE, SIG_IGN);
  const python_trace python = recorded(script.name);
  const oracle::scratch_directory files;
  oracle::world world(script, [] { return std::make_unique<oracle::stage_at<Place>>(); },
                      files.path);
  const lines got = world.play();
  if (script.differs) {
    check_equal(got, script.expected);
    BOOST_TEST((got != python.select || got != python.poll), "it does not differ any more");
  } else if (script.follows == "both") {
    BOOST_TEST(python.select == python.poll, "select and poll differ: say which it follows");
    check_equal(got, python.poll);
  } else {
    BOOST_TEST(python.select != python.poll, "select and poll do not differ any more");
    const bool select = script.follows == "each" ? poller == "select" : script.follows == "select";
    check_equal(got, select ? python.select : python.poll);
  }
}

/// What Python does now, by scenario.
const std::map<std::string, lines>& live_traces() {
  static const std::map<std::string, lines> all = [] {
    std::map<std::string, lines> traces;
    const std::string here = directory.string();
    lines* current = nullptr;
    for (const std::string& line :
         oracle::output_of(oracle::python() + " -B '" + here + "/trace.py' '" + here + "'")) {
      if (line.starts_with("= ")) {
        current = &traces[line.substr(2)];
      } else if (current != nullptr) {
        current->push_back(line);
      }
    }
    return traces;
  }();
  return all;
}

void compare_with_live(const std::string& name) {
  BOOST_REQUIRE_MESSAGE(live_traces().contains(name), "trace.py failed");
  check_equal(live_traces().at(name), recorded_lines(name));
}

ut::test_case* named(const std::string& name, const std::function<void()>& test) {
  return ut::make_test_case(test, name, __FILE__, 0);
}

/// One test case for each scenario and place.
struct all_scenarios {
  all_scenarios() {
    for (const auto& file : fs::directory_iterator(directory / "scenarios"))
      scripts.push_back(std::make_shared<scenario>(file.path()));
    std::sort(scripts.begin(), scripts.end(),
              [](const auto& a, const auto& b) { return a->name < b->name; });

    auto& root = ut::framework::master_test_suite();
    auto* const oracle_suite = BOOST_TEST_SUITE("oracle");
    root.add(oracle_suite);
    boost::hana::for_each(asyncore::pollers, [&](auto p) {
      using poller = typename decltype(p)::type;
      add<oracle::dense_place<poller>>(*oracle_suite, poller::name);
      add<oracle::sparse_place<poller>>(*oracle_suite, poller::name);
    });
    auto* const python_suite = BOOST_TEST_SUITE("python");
    for (const auto& script : scripts) {
      auto* const test = named(script->name, [script] { compare_with_live(script->name); });
      test->add_precondition([](ut::test_unit_id) -> boost::test_tools::assertion_result {
        return !oracle::python().empty();
      });
      python_suite->add(test);
    }
    oracle_suite->add(python_suite);
  }

  template <class Place>
  void add(ut::test_suite& to, std::string_view poller) {
    auto* const suite = BOOST_TEST_SUITE(std::string(poller) + "_" + std::string(Place::map_name));
    for (const auto& script : scripts) {
      auto* const test = named(script->name, [=] { play<Place>(*script, poller); });
      test->add_precondition([script](ut::test_unit_id) -> boost::test_tools::assertion_result {
        return playable(*script);
      });
      suite->add(test);
    }
    to.add(suite);
  }

  std::vector<std::shared_ptr<scenario>> scripts;
} const registered;

}  // namespace

// SPDX-License-Identifier: BSL-1.0
// The main of every test program: Boost.Test, with one line of TAP (testanything.org) a test case
// on stdout, so that meson and test/run count cases, and a crash leaves the plan unfulfilled.
#define BOOST_TEST_MODULE asyncore
#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/throw_exception.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace {

using namespace boost::unit_test;

class tap : public test_observer {
 public:
  tap() {
    framework::register_observer(*this);
    unit_test_log.set_stream(std::cerr);
  }
  ~tap() override { framework::deregister_observer(*this); }

  void test_start(counter_t cases, test_unit_id) override {
    std::printf("1..%lu\n", cases);
    std::fflush(stdout);
  }

  void test_unit_finish(const test_unit& unit, unsigned long) override {
    if (unit.p_type == TUT_CASE)
      print(results_collector.results(unit.p_id).passed() ? "ok" : "not ok", unit);
  }

  void test_unit_skipped(const test_unit& unit, const_string) override {
    // What a filter leaves out is not in the plan.
    if (unit.p_type == TUT_CASE && unit.is_enabled()) print("ok", unit, " # SKIP");
  }

  // After the results collector, which has priority 3.
  int priority() override { return 10; }

 private:
  static void print(const char* result, const test_unit& unit, const char* directive = "") {
    std::printf("%s %s%s\n", result, unit.full_name().c_str(), directive);
    std::fflush(stdout);
  }
};

struct with_tap {
  tap observer;
};

}  // namespace

BOOST_TEST_GLOBAL_CONFIGURATION(with_tap);

#if defined(BOOST_NO_EXCEPTIONS)
// What Boost calls where it would throw.
namespace boost {
void throw_exception(const std::exception& error) {
  std::fprintf(stderr, "Boost would throw: %s\n", error.what());
  std::abort();
}
void throw_exception(const std::exception& error, const source_location&) {
  throw_exception(error);
}
}  // namespace boost
#endif

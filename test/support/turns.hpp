// SPDX-License-Identifier: BSL-1.0
/// Turns of a loop that a test makes: bounded, and each waits for an event, not for time to pass.
#pragma once

#include <chrono>

namespace test {

/// Turns until `done()`, at most `limit` of them; returns `done()`.
template <class Loop, class Done>
bool turn_until(Loop& loop, Done done, int limit = 10'000) {
  for (int left = limit; left > 0 && !done(); --left) loop.poll(std::chrono::milliseconds(20));
  return done();
}

/// Turns that do not wait.
template <class Loop>
void turn(Loop& loop, int times = 1) {
  for (; times > 0; --times) loop.poll(std::chrono::nanoseconds(0));
}

}  // namespace test

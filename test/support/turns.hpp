// SPDX-License-Identifier: BSL-1.0
/// Turns of a loop that a test makes: bounded, and each waits for an event, not for time to pass.
#pragma once

#include <chrono>
#include <string>

#include "descriptors.hpp"

namespace test {

/// Turns until `done()`, for at most ten seconds; returns `done()`.
template <class Loop, class Done>
bool turn_until(Loop& loop, Done done) {
  const auto limit = sys().now() + std::chrono::seconds(10);
  while (!done() && sys().now() < limit)
    loop.poll(std::chrono::milliseconds(20));
  return done();
}

/// Turns that do not wait.
template <class Loop>
void turn(Loop& loop, int times = 1) {
  for (; times > 0; --times) loop.poll(std::chrono::nanoseconds(0));
}

/// True when what the far end of a channel that echoes sends comes back.
template <class Loop>
bool echoes(Loop& loop, const unique_fd& client) {
  put(client, "echo");
  std::string got;
  return turn_until(loop, [&] { return (got += take(client)) == "echo"; });
}

}  // namespace test

// SPDX-License-Identifier: BSL-1.0
// `run` waits for what another thread computes.
#include <asyncore.hpp>
#include <asyncore/work_guard.hpp>

#include <string>
#include <thread>

namespace {

int answered = 0;

int compute() { return 42; }
void use(int answer) { answered = answer; }

void offload() {
#include "block.hpp"
}

}  // namespace

int main() {
  offload();
  return answered == 42 ? 0 : 1;
}

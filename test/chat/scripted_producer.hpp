// SPDX-License-Identifier: BSL-1.0
/// A producer that does what a test says.
#pragma once

#include <functional>
#include <string>
#include <utility>

namespace test {

/// Gives what a function says; `alive` tells whether it is still there.
struct producer {
  explicit producer(std::function<std::string()> gives) : next(std::move(gives)) {}
  producer(std::function<std::string()> gives, bool& is_alive)
      : next(std::move(gives)), alive(&is_alive) {
    *alive = true;
  }
  producer(producer&& other) noexcept
      : next(std::move(other.next)), alive(std::exchange(other.alive, nullptr)) {}
  producer& operator=(producer&&) = delete;
  ~producer() {
    if (alive != nullptr) *alive = false;
  }
  std::string more() { return next(); }

  std::function<std::string()> next;
  bool* alive = nullptr;
};

}  // namespace test

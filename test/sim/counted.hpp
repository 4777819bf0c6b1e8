// SPDX-License-Identifier: BSL-1.0
/// Functions that are counted while they live.
#pragma once

namespace test::sim {

/// The base of a function object of `Owner`, which has a number `alive` of them: what has been made
/// is to be destroyed, once.
template <class Owner>
struct counted {
  explicit counted(Owner& owner) noexcept : all(owner) { ++all.alive; }
  counted(const counted& other) noexcept : counted(other.all) {}
  counted& operator=(const counted&) = delete;
  ~counted() { --all.alive; }

  Owner& all;
};

}  // namespace test::sim

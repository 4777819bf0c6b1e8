// SPDX-License-Identifier: BSL-1.0
/// Loops whose timers are watched.
#pragma once

#include <asyncore.hpp>

#include <functional>
#include <string>

#include "matrix.hpp"
#include "outcome.hpp"
#include "virtual_time.hpp"

namespace test::timers {

template <class Place>
struct watcher;
template <class Place>
using loop_of = typename timeless<Place>::template loop<watcher<Place>>;
template <class Place>
struct watcher : asyncore::channel<watcher<Place>, loop_of<Place>> {
  watcher(loop_of<Place>& loop, int fd, std::function<void()>& read)
      : asyncore::channel<watcher<Place>, loop_of<Place>>(loop, fd), on_read(read) {}
  void handle_read() { on_read(); }
  std::function<void()>& on_read;
};

/// A loop in virtual time, with no channel.
template <class Place>
struct scene {
  using loop_type = loop_of<Place>;
  using timer = asyncore::timer<loop_type>;
  scene() { virtual_clock::reset(); }

  /// A function that notes its name and when it was called.
  std::function<void()> noting(const char* name) {
    return [this, name] {
      const auto at = virtual_clock::passed() / std::chrono::milliseconds(1);
      notes += name + std::to_string(at) + " ";
    };
  }

  loop_type loop;
  std::string notes;
};

}  // namespace test::timers

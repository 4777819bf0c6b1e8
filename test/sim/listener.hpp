// SPDX-License-Identifier: BSL-1.0
/// The server.
#pragma once

#include "chat.hpp"
#include "echo.hpp"
#include "raw.hpp"

namespace test::sim {

/// Gives each connection to a channel of another kind, owned by the loop or by the user.
template <class Place>
struct listener : asyncore::dispatcher<listener<Place>, loop_of<Place>> {
  listener(loop_of<Place>& loop, const endpoint& where, stage& s)
      : listener::dispatcher(loop), on(s) {
    this->create_socket(where.family());
    this->set_reuse_addr();
    this->bind(where);
    this->listen(static_cast<int>(s.random.between(1, 20)));
  }
  static constexpr auto predicates = asyncore::ask_on_rearm;
  void handle_accepted(asyncore::socket peer, endpoint from) {
    conversation& c = on.of(from);
    const bool spoiled = std::exchange(c.spoiled, true);  // if this throws
    serve(std::move(peer), c);
    c.spoiled = spoiled;
  }
  void serve(asyncore::socket peer, conversation& c) {
    // Only those that linger take more than they want.
    switch (c.surplus == 0 ? on.random.below(3) : chat<Place>::lingers ? 2 * on.random.below(2) : 0) {
      case 0:
        return serve_by<echo<Place>>(std::move(peer), c);
      case 1:
        return serve_by<raw<Place>>(std::move(peer), c);
      default:
        return serve_by<chat<Place>>(std::move(peer), c);
    }
  }
  template <class Channel>
  void serve_by(asyncore::socket peer, conversation& c) {
    if (on.random.chance(16384)) {
      on.owned.push_back(std::make_unique<Channel>(this->loop(), std::move(peer), on, c));
    } else {
      this->loop().template emplace<Channel>(std::move(peer), on, c).by_loop = true;
    }
  }
  void handle_error() {
    const std::error_code failed = this->loop().last_error();
    if (failed == std::errc::connection_aborted)
      on.kernel.object("a connection that went away is an error of the listener");
    on.report(failed);
    on.refuses = true;
    this->close();
  }
  void log(std::string_view) {}
  stage& on;
};

}  // namespace test::sim

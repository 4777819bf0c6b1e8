// SPDX-License-Identifier: BSL-1.0
/// `run` that a `std::stop_token` ends.
#ifndef ASYNCORE_STOP_TOKEN_HPP
#define ASYNCORE_STOP_TOKEN_HPP

#include <asyncore/loop.hpp>

#include <stop_token>

namespace asyncore {

template <class Poller, class Map>
template <class StopToken>
  requires requires(const StopToken& t) { t.stop_requested(); }
void basic_loop<Poller, Map>::run(StopToken token, run_options options) {
  // A request that comes when `run` is over is not for the next one.
  struct forgetting {
    ~forgetting() {
      if (token.stop_requested()) loop.stopping_.lower();
    }
    const StopToken& token;
    basic_loop& loop;
  } const forget{token, *this};
  const auto stops = [this] { stop(); };
  const std::stop_callback<decltype(stops)> on_request(token, stops);
  run(options);
}

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// `run` that a `std::stop_token` ends.
#ifndef ASYNCORE_STOP_TOKEN_HPP
#define ASYNCORE_STOP_TOKEN_HPP

#include <asyncore/loop.hpp>

#include <stop_token>
#include <utility>

namespace asyncore::detail {

template <>
struct stops_run<std::stop_token> {
  template <class Loop>
  static void run(Loop& loop, std::stop_token token, run_options options) {
    // A request that comes when `run` is over is not for the next one.
    struct forgetting {
      ~forgetting() {
        if (token.stop_requested()) channel_access::core(loop).bell().stop_request().lower();
      }
      const std::stop_token& token;
      Loop& loop;
    } const forget{token, loop};
    const auto stops = [&loop] { loop.stop(); };
    const std::stop_callback<decltype(stops)> on_request(token, stops);
    loop.run(options);
  }
};

}  // namespace asyncore::detail

#endif

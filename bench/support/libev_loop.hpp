// SPDX-License-Identifier: BSL-1.0
/// A loop of libev on one of its back ends.
#pragma once

#include <ev.h>

#include <string_view>

#include "fail.hpp"

namespace bench {

inline struct ev_loop* libev_loop(std::string_view poller) {
  struct ev_loop* loop = ev_loop_new(poller == "select" ? EVBACKEND_SELECT
                                     : poller == "poll" ? EVBACKEND_POLL
                                                        : EVBACKEND_EPOLL);
  if (loop == nullptr) fail("ev_loop_new");
  return loop;
}

}  // namespace bench

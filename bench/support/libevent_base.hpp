// SPDX-License-Identifier: BSL-1.0
/// An event_base of libevent on one of its back ends, for one thread.
#pragma once

#include <event2/event.h>

#include <string_view>

#include "fail.hpp"

namespace bench {

inline event_base* libevent_base(std::string_view poller) {
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  for (const char* method : {"epoll", "poll", "select"})
    if (method != poller) event_config_avoid_method(config, method);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  if (base == nullptr || event_base_get_method(base) != poller) fail("event_base", ENOTSUP);
  return base;
}

}  // namespace bench

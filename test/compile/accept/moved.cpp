// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>
#include <asyncore/detached_channel.hpp>

struct session : asyncore::dispatcher_with_send<session>, asyncore::deadline<session> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_timeout() {}
};

void move(session& moved, asyncore::default_loop& to) { asyncore::move_channel(moved, to); }

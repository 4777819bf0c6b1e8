// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

struct session : asyncore::dispatcher_with_send<session> {
  using dispatcher_with_send::dispatcher_with_send;
};

void take(asyncore::default_loop& loop, asyncore::socket peer) {
  loop.emplace<session>(std::move(peer));
}
